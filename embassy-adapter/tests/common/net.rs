//! Two stacks of embassy-net, joined by a cable in memory, in virtual time.

use std::cell::Cell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use embassy_net::tcp::TcpSocket;
use embassy_net::{Config, Ipv4Address, Ipv4Cidr, Stack, StackResources, StaticConfigV4};
use embassy_net_driver_channel as channel;
use embassy_net_driver_channel::driver::{HardwareAddress, LinkState};
use embassy_time::{Duration, Instant, Timer};

use super::{Task, join, run_in_time};

/// The address of the stack `a`.
pub const A: Ipv4Address = Ipv4Address::new(10, 0, 0, 1);
/// The address of the stack `b`.
pub const B: Ipv4Address = Ipv4Address::new(10, 0, 0, 2);

const MTU: usize = 1500;
/// Packets that a device holds in each direction.
const PACKETS: usize = 8;
/// Sockets that a stack can have.
const SOCKETS: usize = 8;
/// Bytes that a socket of [`Net::socket`] holds in each direction.
const SOCKET_BUFFER: usize = 4096;

/// Runs a test on two stacks. Nothing but the test decides what happens when, so it is the same in
/// every run.
///
/// # Panics
/// When it hangs, as [`run_in_time`].
pub fn pair<T>(link: Link, test: impl AsyncFnOnce(Net<'_>) -> T) -> T {
    run_in_time(drive(link, test))
}

/// What the cable does to packets. Both directions are alike.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    loses_every: u32,
    latency: Duration,
}

impl Link {
    /// Loses nothing, and takes no time.
    pub const PERFECT: Self = Self {
        loses_every: u32::MAX,
        latency: Duration::from_ticks(0),
    };

    /// Loses the `n`th packet of each direction, the `2n`th, and so on.
    pub const fn losing_every(self, n: u32) -> Self {
        Self {
            loses_every: n,
            ..self
        }
    }

    /// Takes so long in each direction.
    pub const fn with_latency(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }
}

/// The two stacks and the cable.
#[derive(Clone, Copy)]
pub struct Net<'n> {
    /// At the address [`A`].
    pub a: Stack<'n>,
    /// At the address [`B`].
    pub b: Stack<'n>,
    cable: &'n Cable,
}

impl<'n> Net<'n> {
    /// From now on all packets are lost that are not on their way yet.
    pub fn unplug(&self) {
        self.cable.plugged.set(false);
    }

    /// Ends [`unplug`](Self::unplug).
    pub fn plug(&self) {
        self.cable.plugged.set(true);
    }

    /// A socket with 4 KiB for each direction, which are never freed.
    pub fn socket(stack: Stack<'n>) -> TcpSocket<'n> {
        let (rx, tx) = (vec![0; SOCKET_BUFFER], vec![0; SOCKET_BUFFER]);
        TcpSocket::new(stack, rx.leak(), tx.leak())
    }

    /// Two ends of a connection: one at `a`, which dialled, and one at `b`, which accepted.
    pub async fn connect(&self, port: u16) -> (TcpSocket<'n>, TcpSocket<'n>) {
        join(self.a.wait_config_up(), self.b.wait_config_up()).await;
        let (mut a, mut b) = (Self::socket(self.a), Self::socket(self.b));
        let (accepted, connected) = join(b.accept(port), a.connect((B, port))).await;
        accepted.expect("a peer dials");
        connected.expect("a peer accepts");
        (a, b)
    }
}

struct Cable {
    link: Link,
    plugged: Cell<bool>,
}

async fn drive<T>(link: Link, test: impl AsyncFnOnce(Net<'_>) -> T) -> T {
    let plugged = Cell::new(true);
    let cable = &Cable { link, plugged };
    let (mut memory_a, mut memory_b) = (Memory::new(), Memory::new());
    let (a, mut stack_runner_a, rx_a, tx_a) = memory_a.stack(A, 1);
    let (b, mut stack_runner_b, rx_b, tx_b) = memory_b.stack(B, 2);
    let (mut there, mut back) = (Wire::new(tx_a, rx_b, cable), Wire::new(tx_b, rx_a, cable));

    let stacks = join(
        Task::new(stack_runner_a.run()),
        Task::new(stack_runner_b.run()),
    );
    let wires = join(poll_fn(|c| there.poll(c)), poll_fn(|c| back.poll(c)));
    let mut network = pin!(join(stacks, Task::new(wires)));
    let mut test = pin!(Task::new(test(Net { a, b, cable })));
    poll_fn(|context| {
        let _never = network.as_mut().poll(context);
        test.as_mut().poll(context)
    })
    .await
}

/// The memory of a stack and its device.
struct Memory {
    packets: channel::State<MTU, PACKETS, PACKETS>,
    sockets: StackResources<SOCKETS>,
}

impl Memory {
    fn new() -> Self {
        Self {
            packets: channel::State::new(),
            sockets: StackResources::new(),
        }
    }

    fn stack(
        &mut self,
        address: Ipv4Address,
        seed: u64,
    ) -> (
        Stack<'_>,
        embassy_net::Runner<'_, channel::Device<'_, MTU>>,
        channel::RxRunner<'_, MTU>,
        channel::TxRunner<'_, MTU>,
    ) {
        let (runner, device) = channel::new(&mut self.packets, HardwareAddress::Ip);
        let (state, rx, tx) = runner.split();
        state.set_link_state(LinkState::Up);
        let config = Config::ipv4_static(StaticConfigV4 {
            address: Ipv4Cidr::new(address, 24),
            gateway: None,
            dns_servers: heapless::Vec::new(),
        });
        let (stack, runner) = embassy_net::new(device, config, &mut self.sockets, seed);
        (stack, runner, rx, tx)
    }
}

/// One direction of the cable.
struct Wire<'n> {
    from: channel::TxRunner<'n, MTU>,
    to: channel::RxRunner<'n, MTU>,
    cable: &'n Cable,
    /// Packets that came, lost or not.
    seen: u32,
    /// Packets on their way, and when they arrive.
    under_way: VecDeque<(Instant, Vec<u8>)>,
}

impl<'n> Wire<'n> {
    fn new(
        from: channel::TxRunner<'n, MTU>,
        to: channel::RxRunner<'n, MTU>,
        cable: &'n Cable,
    ) -> Self {
        Self {
            from,
            to,
            cable,
            seen: 0,
            under_way: VecDeque::new(),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Infallible> {
        self.take(context);
        self.deliver(context);
        Poll::Pending
    }

    fn take(&mut self, context: &mut Context<'_>) {
        let Cable { link, plugged } = self.cable;
        while let Poll::Ready(packet) = self.from.poll_tx_buf(context) {
            self.seen += 1;
            if plugged.get() && !self.seen.is_multiple_of(link.loses_every) {
                let arrival = Instant::now() + link.latency;
                self.under_way.push_back((arrival, packet.to_vec()));
            }
            self.from.tx_done();
        }
    }

    fn deliver(&mut self, context: &mut Context<'_>) {
        while let Some((arrival, packet)) = self.under_way.front() {
            if *arrival > Instant::now() {
                let _wakes_then = Pin::new(&mut Timer::at(*arrival)).poll(context);
                return;
            }
            let Poll::Ready(room) = self.to.poll_rx_buf(context) else {
                return;
            };
            room[..packet.len()].copy_from_slice(packet);
            self.to.rx_done(packet.len());
            self.under_way.pop_front();
        }
    }
}
