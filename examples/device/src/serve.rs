//! Answering calls, whichever comes.

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use grpc_websocket_embassy::Server;
use grpc_websocket_embassy::stub::Service as _;

use crate::generated::ota_server::{self, OtaServer};
use crate::generated::thermostat_server::ThermostatServer;
use crate::{Flash, Thermostat};

/// Takes every message of the example, and the metadata of a call.
const BUFFER: usize = ota_server::BUFFER + 64;

/// What a device has that can be called, for all of the futures that answer calls.
#[derive(Debug)]
pub struct Device<F> {
    thermostat: Thermostat,
    pub(crate) flash: Mutex<NoopRawMutex, F>,
}

impl<F: Flash> Device<F> {
    /// A device with an image's place.
    pub fn new(flash: F) -> Self {
        Self {
            thermostat: Thermostat::new(),
            flash: Mutex::new(flash),
        }
    }

    /// Its thermostat.
    pub const fn thermostat(&self) -> &Thermostat {
        &self.thermostat
    }
}

/// Answers one call after the other, for ever. For several at once there have to be as many of these
/// futures.
pub async fn serve<F: Flash, const N: usize, const W: usize, const T: usize>(
    server: Server<'_, N, W, T>,
    device: &Device<F>,
) -> ! {
    let thermostat = ThermostatServer::new(&device.thermostat);
    let services = (thermostat, OtaServer::new(device));
    services.serve(server, &mut [0; BUFFER]).await
}
