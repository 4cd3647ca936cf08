//! Clients that come, call and leave in every way there is; afterwards the gateway has what it had.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::BoxError;
use crate::client::{BIDI, Client, Subprotocol};
use crate::gateway::Gateway;
use crate::sample::{Sample, sum};

/// How many clients there are at a time.
const AT_A_TIME: usize = 100;

/// How long the gateway may take to see that clients left, its keepalive included.
const SETTLE_TIME: Duration = Duration::from_secs(15);

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many rounds; the memory after each of the last half is watched
    #[arg(long, default_value_t = 20)]
    rounds: usize,

    /// How many clients in each round, each in one of twelve ways: six, in two subprotocols
    #[arg(long, default_value_t = 1200)]
    clients: usize,

    /// By how many KiB the memory may grow in the last quarter of the rounds
    #[arg(long, default_value_t = 1024)]
    max_growth: i64,
}

/// How a client leaves.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Its call is over; Close.
    Close,
    /// In mid-call: the end of its stream of bytes, without a Close.
    Fin,
    /// In mid-call: a reset of the connection.
    Reset,
    /// In mid-call: it answers nothing any more, until the keepalive finds it out.
    HalfOpen,
    /// It cancels its call, then Close.
    Cancel,
    /// In mid-call, in the middle of a WebSocket frame.
    MidFrame,
}

const WAYS: [Way; 6] = [
    Way::Close,
    Way::Fin,
    Way::Reset,
    Way::HalfOpen,
    Way::Cancel,
    Way::MidFrame,
];

/// Runs as the command line says.
pub(crate) async fn run(options: &Options) -> Result<(), BoxError> {
    let keepalive = ["--keepalive-interval", "1", "--keepalive-timeout", "1"];
    let gateway = Gateway::start(&[&keepalive[..], &["--log", "off"]].concat())?;
    let start = gateway.sample().await?;
    println!("start: {start}");
    let mut resident = Vec::new();
    for number in 1..=options.rounds {
        let begun = Instant::now();
        round(gateway.address, options.clients).await?;
        let after = settled(&gateway, &start).await?;
        println!("round {number}: {after}, {:.1?}", begun.elapsed());
        resident.push(after.resident);
    }
    let ends = Ends::of(&gateway.metrics().await?);
    println!("{ends}");
    ends.check(options.rounds * options.clients)?;
    let growth = growth(&resident);
    println!("memory grew by {growth} KiB in the last quarter");
    (growth <= options.max_growth)
        .then_some(())
        .ok_or("memory grows".into())
}

/// So many clients come and leave.
async fn round(address: SocketAddr, clients: usize) -> Result<(), BoxError> {
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut visits = JoinSet::new();
    for number in 0..clients {
        let places = Arc::clone(&places);
        visits.spawn(async move {
            let _place = places.acquire_owned().await?;
            let way = WAYS[number % WAYS.len()];
            let subprotocol = match number / WAYS.len() % 2 {
                0 => Subprotocol::Mux,
                _ => Subprotocol::Single,
            };
            let visited = visit(address, subprotocol, way).await;
            visited.map_err(|error| format!("{subprotocol:?}, {way:?}: {error}").into())
        });
    }
    let visited = visits.join_all().await.into_iter();
    visited.collect::<Result<(), BoxError>>()
}

async fn visit(address: SocketAddr, subprotocol: Subprotocol, way: Way) -> Result<(), BoxError> {
    let mut client = Client::connect(address, subprotocol, BIDI).await?;
    client.call(BIDI, false).await?;
    client.message().await?;
    match way {
        Way::Close => {
            client.half_close().await?;
            let status = client.status().await?;
            if status != 0 {
                return Err(format!("status {status}").into());
            }
            client.close().await
        }
        Way::Fin => Ok(client.into_io().shutdown().await?),
        Way::Reset => Ok(client.into_io().set_zero_linger()?),
        Way::HalfOpen => until_dropped(client).await,
        Way::Cancel => {
            client.cancel().await?;
            client.close().await
        }
        Way::MidFrame => {
            // A masked frame of 100 bytes, of which 6 come.
            let half = [0x82, 0x80 | 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            Ok(client.into_io().write_all(&half).await?)
        }
    }
}

/// Reads without an answer until the server ends the connection.
async fn until_dropped(client: Client) -> Result<(), BoxError> {
    let mut io = client.into_io();
    let mut bytes = [0; 1024];
    let end = async { while io.read(&mut bytes).await.is_ok_and(|len| len > 0) {} };
    timeout(SETTLE_TIME, end)
        .await
        .map_err(|_| "not found out".into())
}

/// What the gateway has once the clients are gone.
///
/// # Errors
/// Something of them is left.
async fn settled(gateway: &Gateway, start: &Sample) -> Result<Sample, BoxError> {
    let begun = Instant::now();
    loop {
        let now = gateway.sample().await?;
        if now.tasks <= start.tasks && now.descriptors <= start.descriptors && now.connections == 0
        {
            return Ok(now);
        }
        if begun.elapsed() > SETTLE_TIME {
            return Err(format!("something is left: {now}; before: {start}").into());
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// How the calls ended.
struct Ends {
    started: i64,
    ok: i64,
    cancelled: i64,
    handled: i64,
    open: i64,
}

impl Ends {
    fn of(metrics: &str) -> Self {
        let of_code = |code| {
            let label = format!("grpc_code=\"{code}\"");
            let lines = metrics.lines().filter(|line| line.contains(&label));
            sum(
                &lines.collect::<Vec<_>>().join("\n"),
                "grpc_server_handled_total{",
            )
        };
        Self {
            started: sum(metrics, "grpc_server_started_total{"),
            ok: of_code("OK"),
            cancelled: of_code("Canceled"),
            handled: sum(metrics, "grpc_server_handled_total{"),
            open: sum(metrics, "grpc_websocket_calls_open{"),
        }
    }

    /// Each call ended once.
    fn check(&self, clients: usize) -> Result<(), BoxError> {
        let clients = i64::try_from(clients)?;
        let once = self.started == clients && self.handled == clients && self.open == 0;
        once.then_some(())
            .ok_or_else(|| format!("{clients} clients made a call each").into())
    }
}

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            started,
            ok,
            cancelled,
            handled,
            open,
        } = self;
        let others = handled - ok - cancelled;
        write!(
            f,
            "calls: {started} started, {handled} ended ({ok} OK, {cancelled} cancelled, {others} \
             otherwise), {open} open"
        )
    }
}

/// By how much the most of the last quarter is above the most of the quarter before it, if there are as
/// many rounds.
fn growth(resident: &[i64]) -> i64 {
    let (_, half) = resident.split_at(resident.len() / 2);
    let (before, after) = half.split_at(half.len() / 2);
    match (before.iter().max(), after.iter().max()) {
        (Some(before), Some(after)) => after - before,
        _ => 0,
    }
}
