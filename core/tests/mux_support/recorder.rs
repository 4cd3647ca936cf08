//! What a connection said, in the terms of the vectors.

use std::collections::BTreeMap;

use grpc_websocket_core::call;
use grpc_websocket_core::mux::{CallId, End, Event, Settings, Side};
use grpc_websocket_core::{Code, RecvError};
use grpc_websocket_vectors::mux::MuxEvent;

use crate::recorder::{Recorder, status};
use crate::terms;

/// Joins the pieces of each call, and the texts.
#[derive(Debug, Default)]
pub(crate) struct MuxRecorder {
    events: Vec<MuxEvent>,
    calls: BTreeMap<CallId, Recorder>,
    reset_texts: BTreeMap<CallId, Vec<u8>>,
    go_away_text: Vec<u8>,
}

impl MuxRecorder {
    pub(crate) fn event(&mut self, side: Side, event: Event<'_>) {
        match event {
            Event::Ready(settings) => {
                let said = said(settings, Settings::of(side.peer()));
                self.events.push(MuxEvent::Ready(said));
            }
            Event::Opened(call) => self.events.push(MuxEvent::Opened(call.get())),
            Event::Call { call, event } => self.call_event(call, event),
            Event::Credit(call) => self.events.push(MuxEvent::Credit(call.get())),
            Event::ResetText { call, text } => {
                self.reset_texts.entry(call).or_default().extend(text);
            }
            Event::Ended { call, end } => self.ended(call, end),
            Event::GoAwayText(text) => self.go_away_text.extend(text),
            Event::GoAway(code) => {
                let (status, text) = (status(code), std::mem::take(&mut self.go_away_text));
                self.events.push(MuxEvent::GoAway { status, text });
            }
            other => panic!("no vector has {other:?}"),
        }
    }

    /// The connection ended a call.
    pub(crate) fn lost(&mut self, call: CallId, code: Code) {
        let mut recorder = self.calls.remove(&call).unwrap_or_default();
        recorder.closed(code);
        self.flush(call, recorder);
    }

    /// The application ended a call.
    pub(crate) fn reset(&mut self, call: CallId) {
        let recorder = self.calls.remove(&call).unwrap_or_default();
        self.flush(call, recorder);
    }

    /// All events, and the texts whose end never came.
    pub(crate) fn finish(mut self) -> (Vec<MuxEvent>, Vec<u8>) {
        for (call, recorder) in std::mem::take(&mut self.calls) {
            self.flush(call, recorder);
        }
        let texts = self.reset_texts.into_values().chain([self.go_away_text]);
        (self.events, texts.flatten().collect())
    }

    fn call_event(&mut self, call: CallId, event: call::Event<'_>) {
        let is_whole = match event {
            call::Event::Metadata(_) => false,
            call::Event::Message { piece, .. } => piece.end,
            _ => true,
        };
        let recorder = self.calls.entry(call).or_default();
        recorder.event(event);
        if is_whole {
            let recorder = std::mem::take(recorder);
            self.flush(call, recorder);
        }
    }

    fn ended(&mut self, call: CallId, end: End) {
        let mut recorder = self.calls.remove(&call).unwrap_or_default();
        let text = self.reset_texts.remove(&call).unwrap_or_default();
        let event = match end {
            End::Reset { code, refused } => MuxEvent::Reset {
                call: call.get(),
                refused,
                status: status(code),
                text,
            },
            End::Failed(error) => {
                recorder.error(error);
                failed(call, error)
            }
            other => panic!("no vector has {other:?}"),
        };
        self.flush(call, recorder);
        self.events.push(event);
    }

    fn flush(&mut self, call: CallId, recorder: Recorder) {
        let events = recorder.finish().events.into_iter();
        let call = call.get();
        self.events
            .extend(events.map(|event| MuxEvent::Call { call, event }));
    }
}

fn failed(call: CallId, error: RecvError) -> MuxEvent {
    MuxEvent::Failed {
        call: call.get(),
        status: status(error.code()),
        reason: terms::reason(error).into(),
    }
}

/// The settings that are not the defaults, by key.
fn said(settings: Settings, defaults: Settings) -> Vec<(u8, u32)> {
    let values = |settings: Settings| {
        [
            settings.max_frame,
            settings.initial_window,
            settings.max_streams,
            settings.max_header,
            settings.max_message,
            settings.keepalive_ms,
            settings.features,
        ]
    };
    let pairs = values(settings).into_iter().zip(values(defaults));
    let said = (1..)
        .zip(pairs)
        .filter(|(_, (value, usual))| value != usual);
    said.map(|(key, (value, _))| (key, value)).collect()
}
