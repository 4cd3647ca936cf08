//! What each end saw of each call, and whether the two fit.

use grpc_websocket_core::Code;
use grpc_websocket_core::mux::{CallId, Side};
use std::collections::BTreeMap;

/// How a call ended for who made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientEnd {
    /// Trailers with this status, after all that the server sent.
    Trailers(Code),
    /// The server, or the end of the connection's readiness, reset it.
    Reset {
        /// The status.
        code: Code,
        /// It was not processed.
        refused: bool,
    },
    /// Its deadline passed here.
    TimedOut,
    /// It was cancelled here.
    Cancelled(Code),
    /// The connection was lost.
    Lost(Code),
}

/// How a call ended for who answered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerEnd {
    /// Everything up to the trailers with this status was given to the connection.
    Finished(Code),
    /// It was reset here.
    Reset(Code),
    /// It was refused here.
    Refused,
    /// The client reset it.
    Cancelled(Code),
    /// The client broke a rule of time, and the core has reset the call.
    Failed(Code),
    /// The connection was lost.
    Lost(Code),
}

/// All calls of a plan.
#[derive(Debug, Default)]
pub struct Calls {
    entries: Vec<Entry>,
    /// The calls by their ids.
    ids: BTreeMap<u32, usize>,
    /// Whether calls of the dialer and of the acceptor may be refused without having been seen.
    excuses: [bool; 2],
}

#[derive(Debug, Clone, Default)]
struct Entry {
    made: bool,
    seen: bool,
    client: Option<ClientEnd>,
    server: Option<ServerEnd>,
    /// The text each end put into its RESET.
    text: String,
}

impl Calls {
    /// So many calls, of which none was made.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self {
            entries: vec![Entry::default(); count],
            ids: BTreeMap::new(),
            excuses: [false; 2],
        }
    }

    /// A call is made.
    pub fn made(&mut self, n: usize, id: CallId) {
        assert_eq!(self.ids.insert(id.get(), n), None, "the id {id} again");
        let before = core::mem::replace(&mut self.entries[n].made, true);
        assert!(!before, "call {n} is made twice");
    }

    /// A call is seen by who answers it: which one.
    pub fn seen(&mut self, id: CallId) -> usize {
        let n = *self.ids.get(&id.get()).expect("a call that nobody made");
        let entry = &mut self.entries[n];
        let before = core::mem::replace(&mut entry.seen, true);
        assert!(!before, "call {n} is seen twice");
        n
    }

    /// From now on calls of `opener` may be refused before an application sees them.
    pub fn excuse(&mut self, opener: Side) {
        self.excuses[usize::from(opener == Side::Acceptor)] = true;
    }

    /// A call ended for its client.
    pub fn client_ended(&mut self, n: usize, opener: Side, end: ClientEnd) {
        match end {
            // The handler may live on and count against the limit, which the client cannot know.
            ClientEnd::TimedOut | ClientEnd::Cancelled(_) => self.excuse(opener),
            ClientEnd::Reset { refused: true, .. } => {
                let has_excuse = self.excuses[usize::from(opener == Side::Acceptor)];
                assert!(
                    self.entries[n].seen || has_excuse,
                    "call {n} is refused for no reason"
                );
            }
            _ => {}
        }
        let before = self.entries[n].client.replace(end);
        assert_eq!(before, None, "call {n} ended twice for its client: {end:?}");
    }

    /// A call ended for its server.
    pub fn server_ended(&mut self, n: usize, end: ServerEnd) {
        let before = self.entries[n].server.replace(end);
        assert_eq!(before, None, "call {n} ended twice for its server: {end:?}");
    }

    /// The text that goes into a RESET.
    pub fn reset_text(&mut self, n: usize, text: &str) {
        text.clone_into(&mut self.entries[n].text);
    }

    /// The text of a RESET arrived. A call that the server never saw was refused by its core, or
    /// came after its GOAWAY.
    pub fn check_reset_text(&self, n: usize, text: &[u8]) {
        let entry = &self.entries[n];
        let text = core::str::from_utf8(text).expect("a text that is cut inside a character");
        let sent = match (entry.seen, text) {
            (true, _) => &entry.text,
            (false, "") => "",
            (false, _) => REFUSAL,
        };
        assert!(
            sent.starts_with(text),
            "the text of a RESET: {text:?} of {sent:?}"
        );
        let expected = sent.len().min(MOST_TEXT);
        assert!(
            text.len() + 3 >= expected,
            "a short text: {text:?} of {sent:?}"
        );
    }

    /// How a call ended at both ends.
    #[must_use]
    pub fn ends(&self, n: usize) -> (Option<ClientEnd>, Option<ServerEnd>) {
        (self.entries[n].client, self.entries[n].server)
    }

    /// Whether the call is over wherever it was seen.
    #[must_use]
    pub fn is_settled(&self, n: usize) -> bool {
        let entry = &self.entries[n];
        entry.made == entry.client.is_some() && entry.seen == entry.server.is_some()
    }

    /// Whether a call was made.
    #[must_use]
    pub fn is_made(&self, n: usize) -> bool {
        self.entries[n].made
    }

    /// At the end: every call ended once at each side that knows it, and the ends fit.
    pub fn verify(&self) {
        for (n, entry) in self.entries.iter().enumerate() {
            assert!(self.is_settled(n), "call {n} has not ended: {entry:?}");
            if let Some(client) = entry.client {
                assert!(fits(client, entry.server), "call {n}: {entry:?}");
            }
        }
    }
}

/// What a core says that refuses a call.
const REFUSAL: &str = "too many calls";

/// The longest text of a RESET: a control frame without its header and code.
const MOST_TEXT: usize = 119;

/// Whether what the client saw can come from what the server did.
fn fits(client: ClientEnd, server: Option<ServerEnd>) -> bool {
    use ServerEnd::{Cancelled, Failed, Finished, Refused, Reset};
    match (client, server) {
        (ClientEnd::Trailers(code), server) => server == Some(Finished(code)),
        (
            ClientEnd::Reset {
                refused: true,
                code,
            },
            server,
        ) => code == Code::Unavailable && matches!(server, None | Some(Refused)),
        (ClientEnd::Reset { code, .. }, server) => {
            code != Code::Ok && (server == Some(Reset(code)) || server == Some(Failed(code)))
        }
        (ClientEnd::TimedOut, Some(Cancelled(code))) => code == Code::DeadlineExceeded,
        (ClientEnd::Cancelled(own), Some(Cancelled(code))) => code == own,
        (ClientEnd::Lost(_), Some(Cancelled(_))) => false,
        (ClientEnd::Lost(code), _) => code != Code::Ok,
        (ClientEnd::TimedOut | ClientEnd::Cancelled(_), _) => true,
    }
}
