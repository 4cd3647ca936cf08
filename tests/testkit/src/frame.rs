//! A second reader of mux frames, so that the core is not checked by itself.

/// One frame, as it goes into the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The id of the call, or what the kind has instead.
    pub id: u32,
    /// What the frame is.
    pub kind: Kind,
}

/// What a frame is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A slice of a call's stream.
    Data {
        /// The first frame of the call.
        open: bool,
        /// The last frame of this direction.
        end: bool,
        /// How many bytes of the stream.
        len: u32,
    },
    /// Credit.
    Window(u32),
    /// The end of a call.
    Reset {
        /// The call was not processed.
        refused: bool,
        /// The gRPC code.
        code: u8,
    },
    /// A sign of life that is to be answered.
    Ping([u8; 8]),
    /// The answer to one.
    Pong([u8; 8]),
    /// No more calls.
    GoAway {
        /// The gRPC code.
        code: u8,
    },
    /// What the sender takes.
    Settings(Settings),
}

/// The values of SETTINGS that a sender has to keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The longest payload of a DATA frame.
    pub max_frame: u32,
    /// The credit of each call at its start.
    pub initial_window: u32,
    /// How many calls the reader of the SETTINGS may have open; `None` is the sender's default.
    pub max_streams: Option<u32>,
}

/// The longest frame but DATA.
const MAX_CONTROL: usize = 125;

impl Frame {
    /// Reads a WebSocket message.
    ///
    /// # Panics
    /// If it is not a frame that an honest end sends.
    #[must_use]
    pub fn parse(message: &[u8]) -> Self {
        let (head, payload) = message.split_first_chunk::<5>().expect("a short frame");
        let id = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        assert!(id < 1 << 31, "the reserved bit of an id");
        let kind = Kind::parse(head[0] >> 4, head[0] & 0xf, payload);
        let has_call = matches!(
            kind,
            Kind::Data { .. } | Kind::Window(_) | Kind::Reset { .. }
        );
        let may_be_any = matches!(kind, Kind::GoAway { .. });
        assert!(
            may_be_any || has_call == (id != 0),
            "the id {id} of {kind:?}"
        );
        let is_data = matches!(kind, Kind::Data { .. });
        assert!(
            is_data || message.len() <= MAX_CONTROL,
            "a long control frame"
        );
        Self { id, kind }
    }
}

impl Kind {
    /// What it is called in a tally.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Data { .. } => "frame: DATA",
            Self::Window(_) => "frame: WINDOW",
            Self::Reset { .. } => "frame: RESET",
            Self::Ping(_) => "frame: PING",
            Self::Pong(_) => "frame: PING ACK",
            Self::GoAway { .. } => "frame: GOAWAY",
            Self::Settings(_) => "frame: SETTINGS",
        }
    }

    fn parse(kind: u8, flags: u8, payload: &[u8]) -> Self {
        let most_flags = [3, 0, 1, 1, 0, 0].get(usize::from(kind));
        let most_flags = *most_flags.expect("an unknown type of frame");
        assert!(flags <= most_flags, "reserved flags");
        match kind {
            0 => Self::Data {
                open: flags & 1 != 0,
                end: flags & 2 != 0,
                len: u32::try_from(payload.len()).unwrap(),
            },
            1 => Self::Window(parse_window(payload)),
            2 => Self::Reset {
                refused: flags == 1,
                code: parse_code(payload),
            },
            3 if flags == 0 => Self::Ping(payload.try_into().expect("a PING has 8 bytes")),
            3 => Self::Pong(payload.try_into().expect("an ACK has 8 bytes")),
            4 => Self::GoAway {
                code: parse_code(payload),
            },
            _ => Self::Settings(Settings::parse(payload)),
        }
    }
}

impl Settings {
    fn parse(payload: &[u8]) -> Self {
        let mut settings = Self {
            max_frame: 512,
            initial_window: 512,
            max_streams: None,
        };
        let (entries, rest) = payload.as_chunks::<5>();
        assert!(rest.is_empty(), "SETTINGS of {} bytes", payload.len());
        for [key, value @ ..] in entries {
            let value = u32::from_be_bytes(*value);
            match key {
                1 => settings.max_frame = value,
                2 => settings.initial_window = value,
                3 => settings.max_streams = Some(value),
                _ => {}
            }
        }
        assert!((64..=1 << 24).contains(&settings.max_frame), "MAX_FRAME");
        assert!(
            (64..1 << 31).contains(&settings.initial_window),
            "INITIAL_WINDOW"
        );
        settings
    }
}

fn parse_window(payload: &[u8]) -> u32 {
    let increment = u32::from_be_bytes(payload.try_into().expect("a WINDOW has 4 bytes"));
    assert!((1..1 << 31).contains(&increment), "a WINDOW of {increment}");
    increment
}

/// The code before the text of RESET and GOAWAY.
fn parse_code(payload: &[u8]) -> u8 {
    let (&code, text) = payload.split_first().expect("a code");
    assert!(
        core::str::from_utf8(text).is_ok(),
        "a text that is cut inside a character"
    );
    assert!(code <= 16, "the code {code}");
    code
}
