//! Idle WebSockets for a long time: what each costs, and whether a stop of the gateway ends all of
//! them as it should.

mod held;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use self::held::{Ending, Kind, Tally, hold, open};
use crate::BoxError;
use crate::gateway::Gateway;
use crate::sample::Sample;

/// How many clients connect at a time.
const CONNECTING: usize = 64;

/// How many WebSockets of each kind are opened and closed before the baseline is taken.
const WARM_UP: usize = 100;

/// How long the gateway may need for the good-bye of what it has to end, after the grace.
const LAST_WORDS: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many WebSockets; both processes need as many descriptors
    #[arg(long, default_value_t = 10_000)]
    connections: usize,

    /// How long they are held, in minutes
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,

    /// What has happened on them before (repeatable), in equal shares; all four kinds if not given
    #[arg(long, value_enum, value_delimiter = ',')]
    kinds: Vec<Kind>,

    /// The gateway's --grace in seconds
    #[arg(long, default_value_t = 10)]
    grace: u64,
}

/// Runs as the command line says.
pub(crate) async fn run(options: &Options) -> Result<(), BoxError> {
    let grace = options.grace.to_string();
    let mut gateway = Gateway::start(&["--grace", &grace, "--log", "off"])?;
    let mut kinds = options.kinds.clone();
    if kinds.is_empty() {
        kinds = Kind::ALL.to_vec();
    }
    warm_up(&gateway, &kinds).await?;
    let baseline = gateway.sample().await?;
    println!("baseline: {baseline}");

    let tally = Arc::new(Tally::default());
    let mut held = JoinSet::new();
    for (share, kind) in shares(options.connections, &kinds) {
        open_share(&gateway, kind, share, &mut held, &tally).await?;
    }
    let whole = options.minutes * 60.0;
    watch(&gateway, &baseline, Duration::from_secs_f64(whole), &tally).await?;
    let lost = held.try_join_next();
    if lost.is_some() {
        return Err(format!("a WebSocket ended by itself: {lost:?}").into());
    }

    stop(&mut gateway, held, &kinds, options).await
}

/// Stops the gateway by SIGTERM, and looks how it and the WebSockets end.
async fn stop(
    gateway: &mut Gateway,
    held: JoinSet<Result<Ending, BoxError>>,
    kinds: &[Kind],
    options: &Options,
) -> Result<(), BoxError> {
    let begun = Instant::now();
    gateway.terminate()?;
    let limit = Duration::from_secs(options.grace) + LAST_WORDS;
    let status = gateway.end(limit).await?;
    println!("SIGTERM: ended after {:.2?} with {status}", begun.elapsed());
    let endings = held.join_all().await.into_iter();
    let endings = endings.collect::<Result<Vec<_>, _>>()?;
    let mut all_well = status.success();
    for &kind in kinds {
        all_well &= report(kind, &endings, begun, options);
    }
    all_well
        .then_some(())
        .ok_or("not all WebSockets ended as they should".into())
}

/// Lets the gateway make what it makes once.
async fn warm_up(gateway: &Gateway, kinds: &[Kind]) -> Result<(), BoxError> {
    let tally = Arc::new(Tally::default());
    for &kind in kinds {
        let mut held = JoinSet::new();
        for _ in 0..WARM_UP {
            let client = open(gateway.address, kind).await?;
            held.spawn(hold(kind, client, Arc::clone(&tally)));
        }
    }
    // All are dropped; the gateway has to see it.
    sleep(Duration::from_secs(1)).await;
    Ok(())
}

/// How many connections of each kind.
fn shares(connections: usize, kinds: &[Kind]) -> impl Iterator<Item = (usize, Kind)> {
    let shares = kinds.len();
    let share = move |n| connections / shares + usize::from(n < connections % shares);
    let kinds = kinds.iter().enumerate();
    kinds.map(move |(n, kind)| (share(n), *kind))
}

/// Opens a share and says what each of them costs.
async fn open_share(
    gateway: &Gateway,
    kind: Kind,
    share: usize,
    held: &mut JoinSet<Result<Ending, BoxError>>,
    tally: &Arc<Tally>,
) -> Result<(), BoxError> {
    let (before, begun) = (gateway.sample().await?, Instant::now());
    let connecting = Arc::new(Semaphore::new(CONNECTING));
    let mut opening = JoinSet::new();
    for _ in 0..share {
        let (address, connecting) = (gateway.address, Arc::clone(&connecting));
        opening.spawn(async move {
            let _turn = connecting.acquire_owned().await?;
            open(address, kind).await
        });
    }
    while let Some(opened) = opening.join_next().await {
        held.spawn(hold(kind, opened??, Arc::clone(tally)));
    }
    let (after, elapsed) = (gateway.sample().await?, begun.elapsed());
    let (kib, tasks) = (
        after.kib_each(&before, share),
        after.tasks_each(&before, share),
    );
    println!("{share} {kind}: {kib:.2} KiB and {tasks:.2} tasks each, opened in {elapsed:.1?}");
    Ok(())
}

/// Says each minute what the gateway has, until the time is over.
async fn watch(
    gateway: &Gateway,
    baseline: &Sample,
    whole: Duration,
    tally: &Tally,
) -> Result<(), BoxError> {
    let begun = Instant::now();
    let end = begun + whole;
    let mut pings_before = 0;
    loop {
        let sample = gateway.sample().await?;
        let open = sample.descriptors.saturating_sub(baseline.descriptors);
        let (kib, tasks) = (
            sample.kib_each(baseline, open),
            sample.tasks_each(baseline, open),
        );
        let pings = tally.pings.load(Ordering::Relaxed);
        println!(
            "{:4} s: {sample}; {kib:.2} KiB and {tasks:.2} tasks each; {} pings",
            begun.elapsed().as_secs(),
            pings - pings_before
        );
        pings_before = pings;
        if Instant::now() >= end {
            return Ok(());
        }
        sleep_until(end.min(Instant::now() + Duration::from_secs(60))).await;
    }
}

/// Says how the WebSockets of a kind ended, and whether that is as it should be.
fn report(kind: Kind, endings: &[Ending], stopped: Instant, options: &Options) -> bool {
    let of_kind: Vec<_> = endings
        .iter()
        .filter(|ending| ending.kind == kind)
        .collect();
    let count = |is_so: &dyn Fn(&Ending) -> bool| of_kind.iter().filter(|e| is_so(e)).count();
    let whole = of_kind.len();
    let away = count(&|ending| ending.went_away);
    let closed = count(&|ending| ending.close == Some(1001));
    let status = kind.last_status();
    let answered = count(&|ending| ending.status == status);
    let last = of_kind.iter().map(|e| e.at.duration_since(stopped)).max();
    let last = last.unwrap_or_default();
    println!(
        "  {whole} {kind}: {away} GOAWAY, {closed} Close 1001, {answered} with status {status:?}, \
         the last after {last:.2?}"
    );
    let wanted_away = if kind.has_go_away() { whole } else { 0 };
    let in_time = last <= Duration::from_secs(options.grace) + LAST_WORDS;
    away == wanted_away && closed == whole && answered == whole && in_time
}
