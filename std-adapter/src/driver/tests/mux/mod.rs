//! Many calls on a WebSocket: the core's other end talks over the scripted socket.

mod abuse;
mod answers;
mod calls;
mod credit;
#[path = "../../../../tests/common/dialer.rs"]
mod dialer;

use std::sync::Weak;

use grpc_websocket_core::Code;
use grpc_websocket_core::mux::{self, CallId};
use http_body_util::BodyExt as _;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower::service_fn;

use self::dialer::{CONFIG, Dialer, framed};
use super::*;

/// A WebSocket between the loop and a client.
struct Session {
    peer: Peer,
    dialer: Dialer,
    /// How much of what was sent the client has read.
    seen: usize,
    /// The client's messages are the test's own.
    is_raw: bool,
    serving: JoinHandle<()>,
    seen_by_server: Arc<Seen>,
}

/// What the service saw.
#[derive(Default)]
struct Seen {
    /// How many handlers there are, and were at once.
    live: AtomicUsize,
    most_live: AtomicUsize,
    /// How many handlers were stopped before their end.
    stopped: AtomicUsize,
    /// How many messages of `/s/Endless` were made.
    made: AtomicUsize,
    /// How often handlers of `/s/Wait` were polled.
    polls: AtomicUsize,
    /// The requests' bodies of `/s/Keep`.
    kept: Mutex<Vec<Body>>,
}

impl Session {
    /// A client that knows the server's SETTINGS.
    async fn new(config: Config, client: mux::Config) -> Self {
        let mut session = Self::unread(config, client);
        session.settle().await;
        assert!(session.dialer.settings().is_some());
        session
    }

    async fn default() -> Self {
        Self::new(Config::default(), CONFIG).await
    }

    /// A client whose messages after the SETTINGS are the test's own.
    async fn raw(config: Config) -> Self {
        let mut session = Self::new(config, CONFIG).await;
        session.is_raw = true;
        session
    }

    fn unread(config: Config, client: mux::Config) -> Self {
        let peer = Peer::default();
        let seen_by_server = Arc::new(Seen::default());
        let service = {
            let seen = Arc::clone(&seen_by_server);
            service_fn(move |request| {
                let seen = Arc::clone(&seen);
                async move { Ok::<_, Infallible>(answer(seen, request).await) }
            })
        };
        let serving = tokio::spawn({
            let peer = peer.clone();
            async move {
                let (mux, shutdown, calling) =
                    (Subprotocol::Mux, GracefulShutdown::new(), Calling::by(None));
                serve(peer, mux, service, upgrade(), &config, &shutdown, calling).await;
            }
        });
        Self {
            peer,
            dialer: Dialer::new(client),
            seen: 0,
            is_raw: false,
            serving,
            seen_by_server,
        }
    }

    /// Passes messages on in both directions; whether there were any.
    fn exchange(&mut self) -> bool {
        let mut moved = false;
        while let Some(message) = self.dialer.next_message() {
            self.peer.sends(&message);
            moved = true;
        }
        let sent = self.peer.with(|wire| wire.sent[self.seen..].to_vec());
        self.seen += sent.len();
        for sent in &sent {
            if let Sent::Message(message) = sent
                && !self.is_raw
            {
                self.dialer.receive(message).unwrap();
            }
            moved = true;
        }
        moved
    }

    /// Passes messages on until there are none.
    async fn settle(&mut self) {
        loop {
            let moved = self.exchange();
            // Time stands still meanwhile.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            if !self.exchange() && !moved {
                return;
            }
        }
    }

    /// The answer of a call that is to be over.
    async fn answer(&mut self, call: CallId) -> &dialer::Call {
        self.settle().await;
        assert!(self.dialer.is_over(call), "{call} is not over");
        self.dialer.answer(call)
    }

    async fn status(&mut self, call: CallId) -> Code {
        self.answer(call).await.status.unwrap()
    }

    /// What the server sent after the SETTINGS.
    fn messages(&self) -> Vec<Bytes> {
        let sent = self.peer.sent().into_iter();
        let messages = sent.filter_map(|sent| match sent {
            Sent::Message(message) => Some(message),
            Sent::Ping | Sent::Close(_) => None,
        });
        messages.skip(1).collect()
    }

    /// The GOAWAY: the last call that was taken, why, and the text.
    fn go_away(&self) -> (u32, Code, String) {
        let messages = self.messages();
        let frames = messages.iter().filter(|message| message[0] == 0x40);
        let frame = frames.last().expect("no GOAWAY was sent");
        let last = u32::from_be_bytes(frame[1..5].try_into().unwrap());
        let text = String::from_utf8(frame[6..].to_vec()).unwrap();
        (last, Code::from_value(frame[5]), text)
    }

    /// The Close, once the WebSocket is to be over.
    async fn close_code(&mut self) -> CloseCode {
        self.settle().await;
        let code = self.peer.close_code().expect("it is not closed");
        assert_eq!(
            self.count(|seen| &seen.live),
            0,
            "before the other side closes"
        );
        self.peer.with(|wire| wire.gone = true);
        (&mut self.serving).await.unwrap();
        code
    }

    fn count(&self, counter: fn(&Seen) -> &AtomicUsize) -> usize {
        counter(&self.seen_by_server).load(Ordering::SeqCst)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Counts a handler for as long as it lives.
struct Live(Arc<Seen>);

impl Live {
    fn new(seen: Arc<Seen>) -> Self {
        let live = seen.live.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most_live.fetch_max(live, Ordering::SeqCst);
        Self(seen)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Counts handlers that are stopped.
struct Stopped(Weak<Seen>);

impl Drop for Stopped {
    fn drop(&mut self) {
        if let Some(seen) = self.0.upgrade() {
            seen.stopped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

struct PanicWhenStopped;

impl Drop for PanicWhenStopped {
    fn drop(&mut self) {
        panic!("a destructor's bug");
    }
}

const MIB: usize = 1024 * 1024;

/// The service.
async fn answer(seen: Arc<Seen>, request: Request<Body>) -> Response<Body> {
    let _live = Live::new(Arc::clone(&seen));
    let stopped = Stopped(Arc::downgrade(&seen));
    let data = |bytes: &[u8]| http_body::Frame::data(Bytes::copy_from_slice(bytes));
    let frames = match request.uri().path() {
        "/s/Echo" => {
            let echo = request.into_body().collect().await.unwrap().to_bytes();
            vec![data(&echo), trailers("0")]
        }
        "/s/Stream" => {
            let body = request.into_body().map_frame(|frame| frame);
            let trailers = async { Some(Ok(trailers("0").into_trailers().unwrap())) };
            std::mem::forget(stopped);
            return grpc_response(Body::new(body.with_trailers(trailers)));
        }
        "/s/Keep" => {
            seen.kept.lock().unwrap().push(request.into_body());
            std::future::pending().await
        }
        "/s/Wait" => {
            let seen = Arc::clone(&seen);
            std::future::poll_fn(move |_| {
                seen.polls.fetch_add(1, Ordering::SeqCst);
                Poll::<()>::Pending
            })
            .await;
            vec![]
        }
        "/s/Endless" => {
            let seen = Arc::clone(&seen);
            let frames = futures_util::stream::repeat_with(move || {
                seen.made.fetch_add(1, Ordering::SeqCst);
                Ok::<_, Infallible>(http_body::Frame::data(framed(&[7; 1019]).into()))
            });
            std::mem::forget(stopped);
            return grpc_response(Body::new(StreamBody::new(frames)));
        }
        "/s/Large" => vec![data(&framed(&vec![7; MIB]).repeat(10)), trailers("0")],
        // A message in frames of one byte.
        "/s/Bytes" => {
            let bytes = framed(&[7; 1000]);
            let bytes = bytes.chunks(1).map(data);
            bytes.chain([trailers("0")]).collect()
        }
        "/s/Hang" => {
            let part = data(&framed(&vec![7; MIB])[..100_000]);
            let part = futures_util::stream::iter([Ok::<_, Infallible>(part)]);
            let frames = futures_util::StreamExt::chain(part, futures_util::stream::pending());
            std::mem::forget(stopped);
            return grpc_response(Body::new(StreamBody::new(frames)));
        }
        "/s/Cut" => vec![data(&framed(&vec![7; MIB])[..100_000]), trailers("14")],
        "/s/Injected" => vec![data(b"\x80\0\0\0\x10grpc-status: 0\r\n"), trailers("0")],
        "/s/Panic" => panic!("a handler's bug"),
        "/s/PanicWhenStopped" => {
            let _bug = PanicWhenStopped;
            std::future::pending().await
        }
        "/s/Nothing" => {
            let mut response = grpc_response(Body::empty());
            let status = http::HeaderValue::from_static("5");
            response.headers_mut().insert("grpc-status", status);
            std::mem::forget(stopped);
            return response;
        }
        _ => vec![trailers("12")],
    };
    std::mem::forget(stopped);
    grpc_response(Body::new(body_of(frames)))
}
