//! What the open WebSocket speaks. What is not compiled in is a variant that cannot be, so that nothing
//! of it is in an image.

use core::convert::Infallible;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use grpc_websocket_core::Instant;
use grpc_websocket_core::call::Role;
#[cfg(feature = "mux")]
use grpc_websocket_core::mux::Calls;
#[cfg(not(feature = "mux"))]
use grpc_websocket_core::mux::OwnCalls;
use grpc_websocket_core::mux::{Config, Connection, Side};
use grpc_websocket_core::single;

use crate::handshake::Subprotocol;

/// What the open WebSocket speaks.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)]
// One of them is all there is, in its place for good.
// Its first variant is all zeros, so that a static of it takes no flash.
#[repr(u8)]
#[cfg_attr(
    not(all(
        feature = "mux-client",
        feature = "single-client",
        feature = "single-server"
    )),
    expect(dead_code)
)]
pub(super) enum Protocol<const N: usize> {
    /// There is none.
    Closed,
    Mux(Mux<N>),
    /// One call, made here.
    Client(Client),
    /// One call, answered here.
    Server(Server),
}

/// The calls of `grpc-mux.v1`.
#[cfg(feature = "mux")]
type Table<const N: usize> = Calls<N>;
#[cfg(not(feature = "mux"))]
type Table<const N: usize> = OwnCalls<N>;

#[cfg(feature = "mux-client")]
type Mux<const N: usize> = Connection<Table<N>>;
#[cfg(not(feature = "mux-client"))]
type Mux<const N: usize> = Absent<Connection<Table<N>>>;

#[cfg(feature = "single-client")]
type Client = single::Client;
#[cfg(not(feature = "single-client"))]
type Client = Absent<single::Client>;

#[cfg(feature = "single-server")]
type Server = single::Server;
#[cfg(not(feature = "single-server"))]
type Server = Absent<single::Server>;

/// Whether calls that come are compiled in.
pub(super) const TAKES_CALLS: bool = cfg!(any(feature = "mux", feature = "single-server"));

/// Whether a subprotocol is compiled in for a role.
pub(crate) const fn is_there(subprotocol: Subprotocol, role: Role) -> bool {
    match (subprotocol, role) {
        (Subprotocol::Mux, _) => cfg!(feature = "mux-client"),
        (Subprotocol::Single, Role::Client) => cfg!(feature = "single-client"),
        (Subprotocol::Single, Role::Server) => cfg!(feature = "single-server"),
    }
}

impl<const N: usize> Protocol<N> {
    #[cfg_attr(not(feature = "mux-client"), expect(unused_variables))]
    pub(super) fn mux(now: Instant, side: Side, config: impl FnOnce() -> Config) -> Self {
        #[cfg(feature = "mux-client")]
        return Self::Mux(Connection::new(now, side, config(), table()));
        #[cfg(not(feature = "mux-client"))]
        Self::Closed
    }

    #[cfg_attr(not(feature = "single-client"), expect(unused_variables))]
    pub(super) fn client(make: impl FnOnce() -> single::Client) -> Self {
        #[cfg(feature = "single-client")]
        return Self::Client(make());
        #[cfg(not(feature = "single-client"))]
        Self::Closed
    }

    #[cfg_attr(not(feature = "single-server"), expect(unused_variables))]
    pub(super) fn server(make: impl FnOnce() -> single::Server) -> Self {
        #[cfg(feature = "single-server")]
        return Self::Server(make());
        #[cfg(not(feature = "single-server"))]
        Self::Closed
    }
}

/// No calls.
#[cfg(feature = "mux")]
fn table<const N: usize>() -> Table<N> {
    // Not `[const { None }; N]`, which is filled byte by byte.
    core::array::from_fn(|_| None)
}

/// No calls.
#[cfg(all(feature = "mux-client", not(feature = "mux")))]
fn table<const N: usize>() -> Table<N> {
    OwnCalls::default()
}

/// A machine that is not compiled in.
#[derive(Debug)]
#[cfg_attr(
    all(
        feature = "mux-client",
        feature = "single-client",
        feature = "single-server"
    ),
    expect(dead_code)
)]
pub(super) struct Absent<T>(Infallible, PhantomData<T>);

impl<T> Deref for Absent<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self.0 {}
    }
}

impl<T> DerefMut for Absent<T> {
    fn deref_mut(&mut self) -> &mut T {
        match self.0 {}
    }
}
