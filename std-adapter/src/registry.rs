//! Devices that dialled in, and the way to call them.
//!
//! A device behind NAT cannot be dialled. It opens a WebSocket of `grpc-mux.v1` to the server, says
//! how many calls it takes, and from then on the server calls it over that WebSocket.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::request::Parts;
use tokio::sync::broadcast;

use crate::client::Channel;
use crate::driver::mux::Welcome;
use crate::driver::mux::caller::Caller;

/// How many events may wait for a slow reader of them.
const EVENTS: usize = 1024;

/// The devices that are connected, by an identity that the application reads off the opening
/// handshake: a header, the client certificate, what a layer in front put into the extensions.
///
/// Give it to [`WebSocketLayer::registry`](crate::WebSocketLayer::registry). Clones are the same.
///
/// A device is in it from the moment it said that it takes calls until its WebSocket ends, which
/// keepalive sees to if the device vanishes. One that dials in again takes its former place.
///
/// ```
/// use grpc_websocket_tokio::{Registry, WebSocketLayer};
/// use tonic_health::pb::health_client::HealthClient;
///
/// let devices = Registry::new(|head| {
///     let serial = head.headers.get("x-serial")?.to_str().ok()?;
///     Some(serial.to_owned())
/// });
/// let layer = WebSocketLayer::new().registry(&devices);
/// // ... and in a handler:
/// if let Some(channel) = devices.get(&"pump-7".to_owned()) {
///     let client = HealthClient::new(channel);
/// }
/// ```
///
/// The identity is trusted as far as what it is read from: check it there. A header that anybody can
/// send names nobody.
pub struct Registry<I> {
    inner: Arc<Inner<I>>,
}

type Identify<I> = Box<dyn Fn(&Parts) -> Option<I> + Send + Sync>;

struct Inner<I> {
    identify: Identify<I>,
    devices: Mutex<Devices<I>>,
    events: broadcast::Sender<RegistryEvent<I>>,
}

struct Devices<I> {
    by_identity: HashMap<I, Device>,
    /// How many there ever were.
    count: u64,
}

struct Device {
    caller: Caller,
    /// Tells it from another connection of the same device.
    number: u64,
}

/// A device came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryEvent<I> {
    /// It can be called.
    Connected(I),
    /// It can not be called any more.
    Disconnected(I),
    /// So many events were lost, for they were not read in time: look at [`Registry::identities`].
    Missed(u64),
}

impl<I: Eq + Hash + Clone + Send + Sync + 'static> Registry<I> {
    /// `identify` reads the identity off the request of an opening handshake; `None`: whoever it is is
    /// served, but not called.
    pub fn new(identify: impl Fn(&Parts) -> Option<I> + Send + Sync + 'static) -> Self {
        let devices = Devices {
            by_identity: HashMap::new(),
            count: 0,
        };
        Self {
            inner: Arc::new(Inner {
                identify: Box::new(identify),
                devices: Mutex::new(devices),
                events: broadcast::Sender::new(EVENTS),
            }),
        }
    }

    /// The way to call a device; `None` if it is not connected.
    ///
    /// The channel stands for the device and not for its connection: after the device dialled in
    /// again, it calls it there. Calls in between, and those that the connection is lost under, end
    /// with `UNAVAILABLE`.
    #[must_use]
    pub fn get(&self, identity: &I) -> Option<Channel> {
        self.inner.find(identity)?;
        let (inner, identity) = (Arc::clone(&self.inner), identity.clone());
        Some(Channel::of_device(move || inner.find(&identity)))
    }

    /// Who is connected now, in no order.
    #[must_use]
    pub fn identities(&self) -> Vec<I> {
        let devices = self.inner.lock();
        let live = devices
            .by_identity
            .iter()
            .filter(|(_, device)| !device.caller.is_over());
        live.map(|(identity, _)| identity.clone()).collect()
    }

    /// What happens from now on.
    #[must_use]
    pub fn events(&self) -> RegistryEvents<I> {
        RegistryEvents {
            events: self.inner.events.subscribe(),
        }
    }

    /// For a layer, which need not know what an identity is.
    pub(crate) fn enrolment(&self) -> Enrolment {
        let inner = Arc::clone(&self.inner);
        Enrolment(Arc::new(move |head| {
            let identity = (inner.identify)(head)?;
            let inner = Arc::clone(&inner);
            Some(Box::new(move |caller| {
                Box::new(Enrolled::new(inner, identity, caller))
            }))
        }))
    }
}

impl<I> Clone for Registry<I> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<I> fmt::Debug for Registry<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let devices = self.inner.lock().by_identity.len();
        f.debug_struct("Registry")
            .field("devices", &devices)
            .finish_non_exhaustive()
    }
}

impl<I> Inner<I> {
    fn lock(&self) -> MutexGuard<'_, Devices<I>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<I: Eq + Hash> Inner<I> {
    fn find(&self, identity: &I) -> Option<Caller> {
        let devices = self.lock();
        let device = devices.by_identity.get(identity)?;
        (!device.caller.is_over()).then(|| device.caller.clone())
    }
}

/// Gives devices their places.
#[derive(Clone)]
pub(crate) struct Enrolment(Arc<Enrol>);

type Enrol = dyn Fn(&Parts) -> Option<Welcome> + Send + Sync;

impl Enrolment {
    /// What is to be done once the device of this handshake takes calls.
    pub(crate) fn welcome(&self, head: &Parts) -> Option<Welcome> {
        (self.0)(head)
    }
}

impl fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Enrolment")
    }
}

/// A device's place; it is taken out when this is dropped.
struct Enrolled<I: Eq + Hash + Clone> {
    inner: Arc<Inner<I>>,
    identity: I,
    number: u64,
}

impl<I: Eq + Hash + Clone> Enrolled<I> {
    fn new(inner: Arc<Inner<I>>, identity: I, caller: Caller) -> Self {
        let mut devices = inner.lock();
        devices.count += 1;
        let number = devices.count;
        let former = devices
            .by_identity
            .insert(identity.clone(), Device { caller, number });
        // Under the lock, for events in the order in which things happened. Nobody may listen.
        if former.is_some() {
            let _ = inner
                .events
                .send(RegistryEvent::Disconnected(identity.clone()));
        }
        let _ = inner
            .events
            .send(RegistryEvent::Connected(identity.clone()));
        drop(devices);
        Self {
            inner,
            identity,
            number,
        }
    }
}

impl<I: Eq + Hash + Clone> Drop for Enrolled<I> {
    fn drop(&mut self) {
        let mut devices = self.inner.lock();
        let current = devices.by_identity.get(&self.identity);
        if current.is_some_and(|device| device.number == self.number) {
            devices.by_identity.remove(&self.identity);
            let gone = RegistryEvent::Disconnected(self.identity.clone());
            let _ = self.inner.events.send(gone);
        }
    }
}

/// What happens to a [`Registry`].
pub struct RegistryEvents<I> {
    events: broadcast::Receiver<RegistryEvent<I>>,
}

impl<I: Clone> RegistryEvents<I> {
    /// The next event; `None` when the registry, its layers and its connections are gone. Up to 1,024
    /// wait for a slow reader. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<RegistryEvent<I>> {
        match self.events.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(RegistryEvent::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

impl<I> fmt::Debug for RegistryEvents<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryEvents").finish_non_exhaustive()
    }
}
