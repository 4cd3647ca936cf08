//! What one end of a connection takes.

use core::time::Duration;

use super::id::Side;
use crate::limits::Limits;
use crate::wire::mux::{MAX_ID, Settings};

/// What an end takes, and when it gives up. What concerns the peer goes into the SETTINGS.
///
/// ```
/// use grpc_websocket_core::Limits;
/// use grpc_websocket_core::mux::Config;
/// // A device with 2 KiB for what it receives: 4 calls with 512 bytes each.
/// let device = Config::DEFAULT
///     .with_limits(Limits::DEFAULT.with_max_message_len(64 * 1024))
///     .with_max_calls(2);
/// assert_eq!((device.window, device.max_frame), (512, 512));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// What one call may send. [`Limits::metadata_timeout`] is also the time for the peer's
    /// SETTINGS.
    pub limits: Limits,
    /// The longest payload of a DATA frame that is taken, in bytes: 64 to 16,777,216; 512 by
    /// default.
    pub max_frame: u32,
    /// How many bytes of each call may wait to be consumed: 64 to 2^31 - 1; 512 by default.
    pub window: u32,
    /// The application keeps blocks of metadata where it keeps messages, and
    /// [consumes](super::Connection::consume) their bytes too. Then a block that is longer than the
    /// window comes only as it is consumed. Not so by default.
    pub keeps_metadata: bool,
    /// How many calls the peer may have open; none by default.
    pub max_calls: u32,
    /// After how much silence a PING is sent, and after how much more the connection is given up.
    /// Never by default: adapters that see the WebSocket's own pings need none.
    pub keepalive: Option<(Duration, Duration)>,
    /// How often the peer is asked to send something at least, to keep a NAT's mapping open.
    pub ask_keepalive: Option<Duration>,
    /// After how long without a call [`Event::Idle`](super::Event::Idle) comes.
    pub idle_timeout: Option<Duration>,
}

impl Config {
    /// For a device that makes calls: 512 bytes a call.
    pub const DEFAULT: Self = Self {
        limits: Limits::DEFAULT,
        max_frame: 512,
        window: 512,
        keeps_metadata: false,
        max_calls: 0,
        keepalive: None,
        ask_keepalive: None,
        idle_timeout: None,
    };

    /// Sets [`Config::limits`].
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`Config::max_frame`], moved into its range.
    #[must_use]
    pub const fn with_max_frame(mut self, bytes: u32) -> Self {
        self.max_frame = within(bytes, Settings::LONGEST_FRAME);
        self
    }

    /// Sets [`Config::window`], moved into its range.
    #[must_use]
    pub const fn with_window(mut self, bytes: u32) -> Self {
        self.window = within(bytes, MAX_ID);
        self
    }

    /// Sets [`Config::keeps_metadata`].
    #[must_use]
    pub const fn with_kept_metadata(mut self) -> Self {
        self.keeps_metadata = true;
        self
    }

    /// Sets [`Config::max_calls`].
    #[must_use]
    pub const fn with_max_calls(mut self, calls: u32) -> Self {
        self.max_calls = calls;
        self
    }

    /// Sets [`Config::keepalive`].
    #[must_use]
    pub const fn with_keepalive(mut self, interval: Duration, timeout: Duration) -> Self {
        self.keepalive = Some((interval, timeout));
        self
    }

    /// Sets [`Config::ask_keepalive`].
    #[must_use]
    pub const fn with_ask_keepalive(mut self, interval: Duration) -> Self {
        self.ask_keepalive = Some(interval);
        self
    }

    /// Sets [`Config::idle_timeout`].
    #[must_use]
    pub const fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// The SETTINGS of an end that is configured so.
    #[must_use]
    pub fn settings(&self, side: Side) -> Settings {
        let keepalive = self.ask_keepalive.map(millis);
        Settings {
            max_frame: within(self.max_frame, Settings::LONGEST_FRAME),
            initial_window: within(self.window, MAX_ID),
            max_streams: self.max_calls,
            max_header: self.limits.max_metadata_len,
            // 0 would be unsaid.
            max_message: self.limits.max_message_len.max(1),
            keepalive_ms: keepalive.unwrap_or(0),
            ..Settings::of(side)
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Not `as_millis`: a division of 128 bits is large on a small device.
fn millis(duration: Duration) -> u32 {
    let secs = u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    secs.saturating_mul(1000)
        .saturating_add(duration.subsec_millis())
}

const fn within(bytes: u32, most: u32) -> u32 {
    if bytes < Settings::MIN_BYTES {
        Settings::MIN_BYTES
    } else if bytes > most {
        most
    } else {
        bytes
    }
}
