//! The language of the `steps` and `events` of a vector of `grpc-mux.v1`.
//!
//! Bytes are as in [`crate::notation`], and so are the steps that arrive: bytes, `text`,
//! `close` and `lost`. ID is the number of a call, CODE the name of a gRPC status code, TEXT bytes
//! that are UTF-8.
//!
//! | step | is |
//! |---|---|
//! | `wait N` | N milliseconds pass |
//! | `open` bytes | a call is made, with the id that is next, and sends these bytes of its stream |
//! | `open-and-end` bytes | the same, half-closed with the last byte |
//! | `send ID` bytes | more of the stream is sent |
//! | `end ID` bytes | the last of the stream is sent, with END |
//! | `reset ID CODE` TEXT | the call is cancelled or aborted |
//! | `refuse ID` TEXT | the call is refused |
//! | `consume ID N` | N bytes of the call's messages are done with |
//! | `release ID` | the work for the call that was reset is over |
//! | `go-away CODE` TEXT | no more calls are taken |
//!
//! | event | is |
//! |---|---|
//! | `ready` NAME`=`N ... | the peer's SETTINGS, those that differ from the defaults |
//! | `opened ID` | the peer made a call |
//! | an event of [`crate::notation`], ID after its first word | something of a call |
//! | `credit ID` | more may be sent |
//! | `reset ID CODE` bytes, `refused ID CODE` bytes | the peer ended the call, with that text |
//! | `failed ID CODE REASON` | the peer broke the rules of the call, which ended it |
//! | `go-away CODE` bytes | the peer takes no more calls, with that text |

use super::{MuxEvent, Step};
use crate::NotationError;
use crate::notation::{self, Result, error, number, parse_bytes, parse_input, split_word};

/// The names of the settings; the key of each is its position, counted from one.
const SETTINGS: [&str; 7] = [
    "MAX_FRAME",
    "INITIAL_WINDOW",
    "MAX_STREAMS",
    "MAX_HEADER",
    "MAX_MESSAGE",
    "KEEPALIVE_MS",
    "FEATURES",
];

/// Reads one line of `steps`: one step, or as many as it repeats.
///
/// # Errors
/// A line outside the notation.
pub fn parse_step(line: &str) -> Result<Vec<Step>> {
    let (keyword, rest) = split_word(line);
    let step = match keyword {
        "wait" => Step::Wait(number(rest)?),
        "open" | "open-and-end" => Step::Open {
            stream: parse_bytes(rest)?,
            end: keyword != "open",
        },
        "send" | "end" => {
            let (call, stream) = with_call(rest, parse_bytes)?;
            let end = keyword == "end";
            Step::Send { call, stream, end }
        }
        "reset" => {
            let (call, (status, text)) = with_call(rest, status_and_text)?;
            Step::Reset { call, status, text }
        }
        "refuse" => {
            let (call, text) = with_call(rest, parse_text)?;
            Step::Refuse { call, text }
        }
        "consume" => {
            let (call, bytes) = with_call(rest, number)?;
            Step::Consume { call, bytes }
        }
        "release" => Step::Release(number(rest)?),
        "go-away" => {
            let (status, text) = status_and_text(rest)?;
            Step::GoAway { status, text }
        }
        _ => return Ok(parse_input(line)?.into_iter().map(Step::Input).collect()),
    };
    Ok(vec![step])
}

/// Reads one line of `events`.
///
/// # Errors
/// A line outside the notation.
pub fn parse_event(line: &str) -> Result<MuxEvent> {
    let (keyword, rest) = split_word(line);
    match keyword {
        "ready" => Ok(MuxEvent::Ready(parse_settings(rest)?)),
        "opened" => Ok(MuxEvent::Opened(number(rest)?)),
        "credit" => Ok(MuxEvent::Credit(number(rest)?)),
        "reset" | "refused" => {
            let (call, (status, text)) = with_call(rest, status_and_bytes)?;
            let refused = keyword == "refused";
            Ok(MuxEvent::Reset {
                call,
                refused,
                status,
                text,
            })
        }
        "failed" => {
            let (call, (status, reason)) = with_call(rest, status_and_rest)?;
            let reason = reason.into();
            Ok(MuxEvent::Failed {
                call,
                status,
                reason,
            })
        }
        "go-away" => {
            let (status, text) = status_and_bytes(rest)?;
            Ok(MuxEvent::GoAway { status, text })
        }
        _ => {
            let event = |rest: &str| notation::parse_event(&format!("{keyword} {rest}"));
            let (call, event) = with_call(rest, event)?;
            Ok(MuxEvent::Call { call, event })
        }
    }
}

/// Reads `ID`, and by `parse` what follows it.
fn with_call<'t, T>(text: &'t str, parse: impl Fn(&'t str) -> Result<T>) -> Result<(u32, T)> {
    let (call, rest) = split_word(text);
    Ok((number(call)?, parse(rest)?))
}

fn status_and_rest(text: &str) -> Result<(crate::Status, &str)> {
    let (status, rest) = split_word(text);
    Ok((status.parse()?, rest))
}

fn status_and_bytes(text: &str) -> Result<(crate::Status, Vec<u8>)> {
    let (status, rest) = status_and_rest(text)?;
    Ok((status, parse_bytes(rest)?))
}

fn status_and_text(text: &str) -> Result<(crate::Status, String)> {
    let (status, rest) = status_and_rest(text)?;
    Ok((status, parse_text(rest)?))
}

fn parse_text(text: &str) -> Result<String> {
    String::from_utf8(parse_bytes(text)?).map_err(|_| NotationError("a TEXT is UTF-8".into()))
}

fn parse_settings(text: &str) -> Result<Vec<(u8, u32)>> {
    text.split_whitespace().map(parse_setting).collect()
}

fn parse_setting(text: &str) -> Result<(u8, u32)> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let known = (1..).zip(SETTINGS).find(|&(_, known)| known == name);
    match known {
        Some((key, _)) => Ok((key, number(value)?)),
        None => error(format!("`{name}` is not a setting")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Input};

    #[test]
    fn steps_are_inputs_or_acts() {
        let step = |line| parse_step(line).expect("a step");
        assert_eq!(
            step("repeat 2: 30"),
            vec![Step::Input(Input::Binary(vec![0x30])); 2]
        );
        assert_eq!(step("consume 3 9"), [Step::Consume { call: 3, bytes: 9 }]);
        let text = "slow".into();
        let status = "CANCELLED".parse().expect("a status");
        let reset = Step::Reset {
            call: 1,
            status,
            text,
        };
        assert_eq!(step("reset 1 CANCELLED \"slow\""), [reset]);
        for line in [
            "consume 3",
            "reset 1 SLOW",
            "send x 00",
            "refuse 1 ff",
            "reopen 1",
        ] {
            assert!(parse_step(line).is_err(), "{line}");
        }
    }

    #[test]
    fn events_are_of_the_connection_or_of_a_call() {
        let event = |line| parse_event(line).expect("an event");
        let ready = MuxEvent::Ready(vec![(2, 64), (7, 1)]);
        assert_eq!(event("ready INITIAL_WINDOW=64 FEATURES=1"), ready);
        let half_closed = MuxEvent::Call {
            call: 5,
            event: Event::HalfClosed,
        };
        assert_eq!(event("half-closed 5"), half_closed);
        for line in [
            "ready WINDOW=1",
            "ready MAX_FRAME",
            "half-closed",
            "go-away \"x\"",
        ] {
            assert!(parse_event(line).is_err(), "{line}");
        }
    }
}
