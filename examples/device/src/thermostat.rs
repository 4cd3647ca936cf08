//! A thermostat: `device.v1.Thermostat`.

use core::ops::RangeInclusive;

use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::watch::Watch;
use grpc_websocket_embassy::stub::{Requests, Responses};
use grpc_websocket_embassy::{Code, Status};

use crate::generated::thermostat_server;
use crate::{GetRequest, SetRequest, State, WatchRequest};

const MILLIDEGREES: RangeInclusive<i32> = 5_000..=30_000;

/// How many clients may watch at once.
const WATCHERS: usize = 4;

/// What is set, for all who ask.
#[derive(Debug)]
pub struct Thermostat {
    state: Watch<NoopRawMutex, State, WATCHERS>,
}

impl Thermostat {
    /// A thermostat set to 20 degrees.
    #[must_use]
    pub fn new() -> Self {
        let state = Watch::new();
        state.sender().send(State {
            target_millidegrees: 20_000,
            changes: 0,
        });
        Self { state }
    }

    /// What is set now.
    #[must_use]
    pub fn state(&self) -> State {
        self.state.try_get().unwrap_or_default()
    }

    fn set_to(&self, request: &SetRequest) -> Result<State, Status> {
        let target_millidegrees = request.target_millidegrees;
        if !MILLIDEGREES.contains(&target_millidegrees) {
            return Err(Status::new(Code::InvalidArgument, "5 to 30 \u{b0}C"));
        }
        let state = State {
            target_millidegrees,
            changes: self.state().changes.wrapping_add(1),
        };
        self.state.sender().send(state);
        Ok(state)
    }
}

impl thermostat_server::Thermostat for Thermostat {
    async fn get(&self, _: GetRequest) -> Result<State, Status> {
        Ok(self.state())
    }

    async fn set(&self, request: SetRequest) -> Result<State, Status> {
        self.set_to(&request)
    }

    /// Ends when the client leaves.
    async fn watch(
        &self,
        _: WatchRequest,
        states: &mut impl Responses<State>,
        buffer: &mut [u8],
    ) -> Result<(), Status> {
        let watchers = Status::new(Code::ResourceExhausted, "too many watch");
        let mut changes = self.state.receiver().ok_or(watchers)?;
        loop {
            match select(changes.changed(), states.closed()).await {
                Either::First(state) => states.send(&state, buffer).await?,
                Either::Second(status) => return Err(status),
            }
        }
    }

    async fn adjust(
        &self,
        requests: &mut impl Requests<SetRequest>,
        states: &mut impl Responses<State>,
        buffer: &mut [u8],
    ) -> Result<(), Status> {
        while let Some(request) = requests.message(buffer).await? {
            states.send(&self.set_to(&request)?, buffer).await?;
        }
        Ok(())
    }
}

impl Default for Thermostat {
    fn default() -> Self {
        Self::new()
    }
}
