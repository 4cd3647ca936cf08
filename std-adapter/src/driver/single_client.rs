//! The client's end of `grpc-websockets`: one call on a WebSocket.

use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use grpc_websocket_core::single::{Client, EMPTY_MESSAGE_BUDGET};
use grpc_websocket_core::{CloseCode, Code, Event, Instant, RecvError, Segment, SendError};
use tonic::Status;

use super::link::{Fault, Link};
use super::made::{LastPart, Made, RequestPart};
use super::receiving::Slices;
use super::{BURST, Calls, End, Turn, fragment};
use crate::client::head::single_block;
use crate::client::outgoing::Outgoing;
use crate::config::Config;
use crate::status::CallStatus;
use crate::websocket::socket::WebSocket;

/// The one call.
pub(super) struct SingleClient {
    client: Client,
    /// The server's header block, until it is complete.
    block: BytesMut,
    made: Made,
    /// How many messages in a row brought nothing.
    empty_messages: u16,
}

impl SingleClient {
    /// Sends the metadata; `None` if they are longer than servers take.
    pub(super) fn begin<W: WebSocket>(
        outgoing: Outgoing,
        config: &Config,
        link: &mut Link<W>,
    ) -> Option<Self> {
        let mut client = Client::new(config.limits);
        let deadline = outgoing.deadline;
        client.set_deadline(deadline.map(|at| link.time_of(at)));
        let mut made = Made::new(outgoing, config.limits.max_metadata_len);
        let block = single_block(made.head()?, deadline);
        if let Err(error) = client.send_metadata(block.len()) {
            let status = CallStatus::new(Code::ResourceExhausted, error.to_string());
            made.fail(status.into(), false);
            return None;
        }
        link.queue_copy(&[], block.block());
        Some(Self {
            client,
            block: BytesMut::new(),
            made,
            empty_messages: 0,
        })
    }

    /// Sends a slice of the messages, in as many WebSocket messages as it takes.
    fn send<W: WebSocket>(&mut self, link: &mut Link<W>, mut messages: Bytes) -> Turn {
        while !messages.is_empty() {
            match self.client.forward(&messages) {
                Ok(segment) => link.queue(take(&segment, &mut messages)),
                Err(error) => return self.misused(error),
            }
        }
        Ok(())
    }

    fn send_part<W: WebSocket>(&mut self, link: &mut Link<W>, part: RequestPart) -> Turn {
        match part {
            RequestPart::Messages(messages) => self.send(link, messages),
            RequestPart::HalfClose => match self.client.half_close() {
                Ok(segment) => {
                    link.queue(take(&segment, &mut Bytes::new()));
                    Ok(())
                }
                Err(error) => self.misused(error),
            },
            // The Close cancels the call.
            RequestPart::Failed(status) => self.fail(status, CloseCode::Normal),
        }
    }

    /// Takes what a WebSocket message has besides slices of messages.
    fn take_event(&mut self, event: Event<'_>) -> Turn {
        match event {
            Event::Metadata(piece) => self.block.extend_from_slice(piece.payload),
            Event::InitialMetadata => {
                let block = std::mem::take(&mut self.block);
                if let Err(status) = self.made.respond(&block) {
                    return self.fail(status, CloseCode::Normal);
                }
            }
            Event::Trailers(code) => {
                let block = std::mem::take(&mut self.block);
                self.made.finish(LastPart {
                    metadata: None,
                    messages: Bytes::new(),
                    trailers: &block,
                    code,
                });
                return Err(End::Closing(CloseCode::Normal));
            }
            _ => {}
        }
        Ok(())
    }

    /// A message that brings nothing is ignored, but a flood of them is not.
    fn count_if_empty(&mut self, message: &Bytes) -> Turn {
        self.empty_messages = if message.is_empty() {
            self.empty_messages.saturating_add(1)
        } else {
            0
        };
        if self.empty_messages > EMPTY_MESSAGE_BUDGET {
            return self.recv_failed(RecvError::EmptyMessages);
        }
        Ok(())
    }

    fn recv_failed(&mut self, error: RecvError) -> Turn {
        let status = CallStatus::from(error);
        self.fail(status.into(), error.close_code())
    }

    fn misused(&mut self, error: SendError) -> Turn {
        let message = format!("the request is not gRPC: {error}");
        self.fail(Status::internal(message), CloseCode::Normal)
    }

    /// Ends the call, and its WebSocket.
    fn fail(&mut self, status: Status, close_code: CloseCode) -> Turn {
        self.made.fail(status, false);
        Err(End::Closing(close_code))
    }
}

/// The WebSocket message of a segment, whose payload is taken off the front.
fn take(segment: &Segment, messages: &mut Bytes) -> Bytes {
    let len = usize::try_from(segment.payload_len()).unwrap_or(usize::MAX);
    let payload = messages.split_to(len.min(messages.len()));
    let mut message = BytesMut::with_capacity(segment.head().len() + payload.len());
    message.extend_from_slice(segment.head());
    message.extend_from_slice(&payload);
    message.freeze()
}

impl<W: WebSocket> Calls<W> for SingleClient {
    /// The room of whoever reads the answer.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.made.poll_room(cx)
    }

    fn receive(&mut self, _: &mut Link<W>, message: &Bytes, fin: bool) -> Turn {
        self.count_if_empty(message)?;
        let mut fragment = fragment(message, fin);
        let mut slices = Slices::default();
        loop {
            let event = match self.client.recv(&mut fragment) {
                Ok(None) => break,
                Ok(Some(event)) => event,
                Err(error) => return self.recv_failed(error),
            };
            if !slices.take(&event, message.len() - fragment.rest().len()) {
                self.made.push(&std::mem::take(&mut slices), message);
                self.take_event(event)?;
            }
        }
        self.made.push(&slices, message);
        Ok(())
    }

    fn receive_text(&mut self, _: &mut Link<W>) -> Turn {
        self.client
            .handle_text()
            .or_else(|error| self.recv_failed(error))
    }

    fn refuse(&mut self, _: &mut Link<W>, fault: Fault) -> Turn {
        let status = CallStatus::new(fault.code(), fault.text());
        self.fail(status.into(), fault.close_code())
    }

    fn answer(&mut self, link: &mut Link<W>, cx: &mut Context<'_>) -> Turn {
        self.made.watch(Some(cx.waker().clone()));
        if self.made.poll_abandoned(cx).is_ready() {
            return Err(End::Closing(CloseCode::Normal));
        }
        for _ in 0..BURST {
            if link.is_full() {
                return Ok(());
            }
            match self.made.poll_request(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(part) => self.send_part(link, part)?,
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    fn check_time(&mut self, link: &mut Link<W>, _: &mut Context<'_>) -> Turn {
        match self.client.handle_timeout(link.now()) {
            Some(_) => {
                let status = Status::deadline_exceeded("the deadline passed");
                self.fail(status, CloseCode::Normal)
            }
            None => Ok(()),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }

    fn drain(&mut self, _: &mut Link<W>) -> Turn {
        Ok(())
    }

    fn abort(&mut self, _: &mut Link<W>) -> Turn {
        Ok(())
    }

    fn end(&mut self, end: End) {
        let close_code = match end {
            End::Closed(code) => code,
            End::Closing(_) | End::Lost => None,
        };
        if let Some(code) = self.client.handle_close(close_code) {
            let message = match close_code {
                Some(close_code) => format!("the server closed the WebSocket with {close_code}"),
                None => "the connection was lost".to_owned(),
            };
            self.made.fail(CallStatus::new(code, message).into(), false);
        }
    }
}
