//! The state table of one direction of a call.
//!
//! ```text
//!  client to server                          server to client
//!  Idle --Metadata--> Open                   Idle --Metadata--> Open
//!  Open --Message---> Open                   Idle --Message---> Open     (no metadata)
//!  Open --HalfClose-> Closed                 Open --Message---> Open
//!                                            Idle --Trailers--> Closed   (Trailers-Only)
//!                                            Open --Trailers--> Closed
//! ```
//!
//! By gRPC PROTOCOL-HTTP2 "Requests" and "Responses". A server may leave out initial metadata that are
//! empty. By `grpc-websockets` this crate's servers never do, for clients in use need them.

use super::Role;

/// How far one direction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing yet.
    Idle,
    /// Past the initial metadata.
    Open,
    /// Nothing more: half-closed by a client, ended by a server's trailers.
    Closed,
}

/// What moves a direction on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Initial metadata.
    Metadata,
    /// A message.
    Message,
    /// Trailing metadata with the status.
    Trailers,
    /// A client's end of messages.
    HalfClose,
}

/// All transitions: who sends, from where, what, to where. What is not here is an error.
pub const TRANSITIONS: [(Role, State, Step, State); 8] = [
    (Role::Client, State::Idle, Step::Metadata, State::Open),
    (Role::Client, State::Open, Step::Message, State::Open),
    (Role::Client, State::Open, Step::HalfClose, State::Closed),
    (Role::Server, State::Idle, Step::Metadata, State::Open),
    (Role::Server, State::Idle, Step::Message, State::Open),
    (Role::Server, State::Open, Step::Message, State::Open),
    (Role::Server, State::Idle, Step::Trailers, State::Closed),
    (Role::Server, State::Open, Step::Trailers, State::Closed),
];

impl State {
    /// The state after `step` by a sender of that role; `None` if the step is not allowed.
    #[must_use]
    pub fn after(self, sender: Role, step: Step) -> Option<Self> {
        TRANSITIONS
            .iter()
            .find(|&&(role, from, by, _)| (role, from, by) == (sender, self, step))
            .map(|&(_, _, _, to)| to)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::fmt::Write as _;
    use std::string::String;

    /// Every (role, state, step), so that a changed row cannot hide.
    const SNAPSHOT: &str = "\
Client Idle Metadata Open
Client Idle Message -
Client Idle Trailers -
Client Idle HalfClose -
Client Open Metadata -
Client Open Message Open
Client Open Trailers -
Client Open HalfClose Closed
Client Closed Metadata -
Client Closed Message -
Client Closed Trailers -
Client Closed HalfClose -
Server Idle Metadata Open
Server Idle Message Open
Server Idle Trailers Closed
Server Idle HalfClose -
Server Open Metadata -
Server Open Message Open
Server Open Trailers Closed
Server Open HalfClose -
Server Closed Metadata -
Server Closed Message -
Server Closed Trailers -
Server Closed HalfClose -
";

    #[test]
    fn all_transitions() {
        let mut table = String::new();
        for role in [Role::Client, Role::Server] {
            for state in [State::Idle, State::Open, State::Closed] {
                for step in [
                    Step::Metadata,
                    Step::Message,
                    Step::Trailers,
                    Step::HalfClose,
                ] {
                    let to = state.after(role, step);
                    let to = to.map_or_else(|| "-".into(), |to| std::format!("{to:?}"));
                    writeln!(table, "{role:?} {state:?} {step:?} {to}").unwrap();
                }
            }
        }
        assert_eq!(table, SNAPSHOT);
    }
}
