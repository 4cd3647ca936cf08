//! What a program starts with: its settings, a seed and a network. Another board has its own file
//! here, and the programs stay as they are.

use embassy_executor::{SpawnError, Spawner};
use embassy_net::{Config, Ipv4Address, Ipv4Cidr, Runner, Stack, StackResources, StaticConfigV4};
use embassy_time::Timer;

use crate::{Lan9118, Settings, host, interrupts, time};

/// The machine that QEMU runs on, as the device sees it.
pub const HOST: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);

/// The address that QEMU's network gives the first device.
const ADDRESS: Ipv4Cidr = Ipv4Cidr::new(Ipv4Address::new(10, 0, 2, 15), 24);

/// The board, started.
pub struct Board {
    /// What the host set for this run.
    pub settings: Settings,
    /// Different at each boot; a board with a source of randomness has a better one.
    pub seed: u64,
    ethernet: Lan9118,
}

impl Board {
    /// Starts timers, network chip and interrupts. Once only.
    ///
    /// # Panics
    ///
    /// The second time.
    #[allow(clippy::new_without_default, reason = "it does something, and once")]
    pub fn new() -> Self {
        let settings = Settings::read();
        time::start();
        let ethernet = Lan9118::start();
        interrupts::enable();
        Self {
            settings,
            seed: u64::from(host::seconds()),
            ethernet,
        }
    }

    /// Starts the network and waits until it is up. `resources` limit how many sockets there are.
    ///
    /// # Panics
    ///
    /// If it was started before.
    pub async fn network<const SOCKETS: usize>(
        self,
        spawner: Spawner,
        resources: &'static mut StackResources<SOCKETS>,
    ) -> Stack<'static> {
        let config = Config::ipv4_static(StaticConfigV4 {
            address: ADDRESS,
            gateway: Some(HOST),
            dns_servers: Default::default(),
        });
        let (stack, runner) = embassy_net::new(self.ethernet, config, resources, self.seed);
        let lifetime = self.settings.number("seconds");
        start(spawner, runner, lifetime).expect("the network runs once");
        stack.wait_config_up().await;
        stack
    }
}

fn start(
    spawner: Spawner,
    runner: Runner<'static, Lan9118>,
    lifetime: Option<u16>,
) -> Result<(), SpawnError> {
    spawner.spawn(network(runner)?);
    spawner.spawn(heartbeat()?);
    if let Some(seconds) = lifetime {
        spawner.spawn(end(seconds)?);
    }
    Ok(())
}

#[embassy_executor::task]
async fn network(mut runner: Runner<'static, Lan9118>) -> ! {
    runner.run().await
}

/// QEMU looks at a new connection of the device when something happens, or after a second. So
/// something happens.
#[embassy_executor::task]
async fn heartbeat() -> ! {
    loop {
        Timer::after_millis(5).await;
    }
}

/// Ends a program that would run for ever.
#[embassy_executor::task]
async fn end(seconds: u16) {
    Timer::after_secs(u64::from(seconds)).await;
    host::exit(true);
}
