//! What the demo accepts. Every limit is a refusal with a reason, never a silent cut.

use tonic::Status;

/// The longest accepted text, in characters.
pub(super) const MAX_TEXT_CHARS: usize = 1_000;

/// The longest accepted name, in characters.
pub(super) const MAX_NAME_CHARS: usize = 32;

/// The largest accepted encoded request: many times the longest text, so that a text which is only
/// somewhat too long is refused by [`check_text`] with a reason.
pub(super) const MAX_REQUEST_BYTES: usize = 64 * 1024;

/// Accepts a text of at most [`MAX_TEXT_CHARS`].
pub(super) fn check_text(text: &str) -> Result<(), Status> {
    check_length("the text", text, MAX_TEXT_CHARS)
}

/// Accepts a text that [`check_text`] accepts and in which there is something to read.
pub(super) fn check_spoken_text(text: &str) -> Result<(), Status> {
    if text.trim().is_empty() {
        return Err(Status::invalid_argument("the text is empty"));
    }
    check_text(text)
}

/// Accepts a name of 1 to [`MAX_NAME_CHARS`] that fits on one line.
pub(super) fn check_name(name: &str) -> Result<(), Status> {
    if name.trim().is_empty() {
        return Err(Status::invalid_argument("the name is empty"));
    }
    if name.chars().any(char::is_control) {
        return Err(Status::invalid_argument(
            "the name contains a control character",
        ));
    }
    check_length("the name", name, MAX_NAME_CHARS)
}

fn check_length(what: &str, value: &str, max: usize) -> Result<(), Status> {
    let length = value.chars().count();
    if length <= max {
        return Ok(());
    }
    Err(Status::invalid_argument(format!(
        "{what} has {length} characters, at most {max} are accepted"
    )))
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    fn refusal(result: Result<(), Status>) -> String {
        let status = result.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        status.message().to_owned()
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        check_text(&"é".repeat(MAX_TEXT_CHARS)).unwrap();
        check_name(&"é".repeat(MAX_NAME_CHARS)).unwrap();
        let name = "é".repeat(MAX_NAME_CHARS + 1);
        assert_eq!(
            refusal(check_name(&name)),
            "the name has 33 characters, at most 32 are accepted"
        );
        assert!(refusal(check_text(&"x".repeat(MAX_TEXT_CHARS + 1))).contains("1001 characters"));
    }

    #[test]
    fn nothing_to_read_is_refused() {
        assert_eq!(refusal(check_name(" ")), "the name is empty");
        assert_eq!(refusal(check_spoken_text("\n")), "the text is empty");
        assert!(refusal(check_name("a\nb")).contains("control character"));
        check_text("").unwrap();
    }
}
