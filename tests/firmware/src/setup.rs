//! How a device is to be booted.

use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::{Device, image};

/// What a test waits for a device, unless it says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a device lives at most, unless a test says otherwise.
const LIFETIME: Duration = Duration::from_secs(120);
/// How often a port is chosen that somebody else turns out to have.
const ATTEMPTS: usize = 3;
/// What QEMU says then.
const PORT_IN_USE: &str = "Could not set up host forwarding rule";
/// The exit code of a shell that does not find a program.
const MISSING: i32 = 127;

/// How a device is to be booted: which image, and with what.
#[derive(Debug, Clone)]
pub struct Setup {
    pub(crate) image: &'static str,
    settings: Vec<String>,
    device_port: Option<u16>,
    flags: &'static str,
    pub(crate) patience: Duration,
    pub(crate) lifetime: Duration,
}

impl Setup {
    pub(crate) fn new(image: &'static str) -> Self {
        Self {
            image,
            settings: Vec::new(),
            device_port: None,
            flags: "",
            patience: PATIENCE,
            lifetime: LIFETIME,
        }
    }

    /// Gives the program a setting. It must not have spaces.
    #[must_use]
    pub fn setting(mut self, name: &str, value: impl Display) -> Self {
        self.settings.push(format!("{name}={value}"));
        self
    }

    /// Makes a port of the device one of this machine: `Device::address`.
    #[must_use]
    pub fn forward(mut self, device_port: u16) -> Self {
        self.device_port = Some(device_port);
        self
    }

    /// Makes time depend on instructions: 32 ns are one.
    #[must_use]
    pub fn counted(mut self) -> Self {
        self.flags = "-icount shift=5,sleep=on";
        self
    }

    /// How long a test waits for a line, or for the end.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How long the device lives at most. It is killed then, and with it the connections on which a
    /// test may be waiting.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Boots it and waits for its line `up`.
    ///
    /// # Panics
    ///
    /// If that does not come.
    pub async fn boot(self) -> Device {
        for _ in 0..ATTEMPTS {
            let address = self.device_port.map(|_| free_address());
            let child = self.start(address);
            let mut device = Device::new(&self, child, address);
            if device.find("up").await.is_some() {
                return device;
            }
            let end = device.end().await;
            assert_ne!(
                end.code,
                Some(MISSING),
                "no QEMU: tests/firmware/run installs it"
            );
            assert!(end.log.contains(PORT_IN_USE), "{}: {}", self.image, end.log);
        }
        panic!("somebody takes all ports");
    }

    fn start(&self, address: Option<SocketAddr>) -> Child {
        let mut qemu = Command::new(image::firmware().join("qemu"));
        qemu.arg(image::logging(self.image))
            .args(&self.settings)
            .env("QEMU_FLAGS", self.flags)
            .env_remove("FORWARD")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let (Some(address), Some(device_port)) = (address, self.device_port) {
            qemu.env("FORWARD", format!("{}:{device_port}", address.port()));
        }
        qemu.spawn().expect("examples/firmware-mps2/qemu runs")
    }
}

/// An address that nobody has at the moment.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a port");
    listener.local_addr().expect("it has an address")
}
