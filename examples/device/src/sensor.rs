//! A sensor: what it calls at its server.

use core::cell::Cell;
use core::convert::Infallible;
use core::fmt::Arguments;
use core::future::pending;

use embassy_futures::join::join;
use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Timer};
use grpc_websocket_embassy::{Client, Status};

use crate::generated::telemetry_client::{
    COMMANDS_BUFFER, REPORT_BUFFER, STREAM_BUFFER, TelemetryClient, WATCH_BUFFER,
};
use crate::{Command, Outcome, Reading, Receipt, Settings, WatchRequest};

const TIMEOUT: Duration = Duration::from_secs(10);

/// How long it waits after a call that failed.
const PAUSE: Duration = Duration::from_millis(100);

/// How many readings are streamed at once.
const BURST: usize = 10;

/// Makes all the calls of a sensor, for ever, on whatever connection there is. Each thing that happens
/// is a line of the log.
pub async fn sensor<const N: usize, const W: usize, const T: usize>(
    client: Client<'_, N, W, T>,
    measure: impl Fn() -> Reading,
    log: impl Fn(Arguments<'_>),
) -> ! {
    loop {
        client.ready().await;
        log(format_args!("connected"));
        let status = calls(client, &measure, &log).await;
        log(format_args!(
            "lost: {:?} {}",
            status.code(),
            status.message()
        ));
        Timer::after(PAUSE).await;
    }
}

/// Measures, streams, reports and obeys, as often as the server's settings say, until a call fails.
async fn calls<const N: usize, const W: usize, const T: usize>(
    client: Client<'_, N, W, T>,
    measure: &impl Fn() -> Reading,
    log: &impl Fn(Arguments<'_>),
) -> Status {
    let period = Cell::new(Duration::from_secs(1));
    let serial = measure().serial;
    let watching = watch(client, &serial, |settings| {
        log(format_args!("period: {} ms", settings.period_milliseconds));
        period.set(Duration::from_millis(settings.period_milliseconds.into()));
    });
    let obeying = commands(client, |command| {
        log(format_args!("command {}: {}", command.id, command.name));
        Outcome {
            id: command.id,
            done: true,
        }
    });
    let reporting = async {
        loop {
            let burst = (0..BURST).map(|_| measure());
            let receipt = stream(client, burst).await?;
            log(format_args!("streamed {}", receipt.readings));
            report(client, &measure()).await?;
            log(format_args!("reported"));
            Timer::after(period.get()).await;
        }
    };
    // A server may end what it streams.
    let streams = async { first_error(join(watching, obeying).await).await };
    match select(streams, reporting).await {
        Either::First(status) | Either::Second(Err::<Infallible, _>(status)) => status,
    }
}

/// Waits for ever if there is none.
async fn first_error(results: (Result<(), Status>, Result<(), Status>)) -> Status {
    match results {
        (Err(status), _) | (_, Err(status)) => status,
        (Ok(()), Ok(())) => pending().await,
    }
}

/// A unary call: one reading.
///
/// # Errors
/// The status of the call.
pub async fn report<const N: usize, const W: usize, const T: usize>(
    client: Client<'_, N, W, T>,
    reading: &Reading,
) -> Result<Receipt, Status> {
    let telemetry = TelemetryClient::new(client).with_timeout(TIMEOUT);
    telemetry.report(reading, &mut [0; REPORT_BUFFER]).await
}

/// Client streaming: many readings.
///
/// # Errors
/// The status of the call.
pub async fn stream<const N: usize, const W: usize, const T: usize>(
    client: Client<'_, N, W, T>,
    readings: impl IntoIterator<Item = Reading>,
) -> Result<Receipt, Status> {
    let mut buffer = [0; STREAM_BUFFER];
    let mut upload = TelemetryClient::new(client).stream().await?;
    for reading in readings {
        if upload.send(&reading, &mut buffer).await.is_err() {
            // The server has answered already.
            break;
        }
    }
    upload.finish(&mut buffer).await
}

/// Server streaming: the settings, now and when they change.
///
/// # Errors
/// The status of the call.
pub async fn watch<const N: usize, const W: usize, const T: usize>(
    client: Client<'_, N, W, T>,
    serial: &str,
    mut apply: impl FnMut(&Settings),
) -> Result<(), Status> {
    let mut buffer = [0; WATCH_BUFFER];
    let request = WatchRequest {
        serial: serial.try_into().unwrap_or_default(),
    };
    let telemetry = TelemetryClient::new(client);
    let mut answer = telemetry.watch(&request, &mut buffer).await?;
    while let Some(settings) = answer.message(&mut buffer).await? {
        apply(&settings);
    }
    Ok(())
}

/// Bidirectional streaming: commands, and what became of them.
///
/// # Errors
/// The status of the call.
pub async fn commands<const N: usize, const W: usize, const T: usize>(
    client: Client<'_, N, W, T>,
    obey: impl Fn(&Command) -> Outcome,
) -> Result<(), Status> {
    let mut buffer = [0; COMMANDS_BUFFER];
    let (mut outcomes, mut commands) = TelemetryClient::new(client).commands().await?;
    while let Some(command) = commands.message(&mut buffer).await? {
        outcomes.send(&obey(&command), &mut buffer).await?;
    }
    Ok(())
}
