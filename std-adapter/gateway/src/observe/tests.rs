//! What is told of calls with all kinds of ends.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderValue;
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use tokio_stream::StreamExt as _;
use tonic::transport::server::TcpConnectInfo;
use tower::service_fn;
use tracing_subscriber::fmt::MakeWriter;

use super::*;

const MESSAGE: &[u8] = b"\0\0\0\0\x02hi";

type Frames = Vec<Result<Frame<Bytes>, Status>>;

fn message() -> Result<Frame<Bytes>, Status> {
    Ok(Frame::data(Bytes::from_static(MESSAGE)))
}

fn trailers(status: &'static str) -> Result<Frame<Bytes>, Status> {
    let mut trailers = HeaderMap::new();
    trailers.insert(GRPC_STATUS, HeaderValue::from_static(status));
    Ok(Frame::trailers(trailers))
}

fn response(frames: Frames) -> Response<Body> {
    let mut response = Response::new(Body::new(StreamBody::new(tokio_stream::iter(frames))));
    let value = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(CONTENT_TYPE, value);
    response
}

fn request(path: &str) -> Request<Body> {
    Request::post(path)
        .version(http::Version::HTTP_2)
        .header(CONTENT_TYPE, "application/grpc")
        .body(Body::new(Full::from(MESSAGE)))
        .unwrap()
}

/// Calls a service that reads its request and answers so, and reads the answer.
async fn call(metrics: &Metrics, path: &str, answer: impl Fn() -> Response<Body>) {
    let answer = Mutex::new(Some(answer()));
    let answer = Arc::new(answer);
    let service = service_fn(move |request: Request<Body>| {
        let answer = answer.lock().unwrap().take().unwrap();
        async move {
            request.into_body().collect().await.unwrap();
            Ok::<_, BoxError>(answer)
        }
    });
    let service = Observe::new(metrics.clone()).layer(service);
    let response = service.oneshot(request(path)).await.unwrap();
    let _ = response.into_body().collect().await;
}

/// The value of the first line that begins so.
fn value(metrics: &Metrics, name: &str, labels: &str) -> Option<String> {
    let text = metrics.text();
    let line = text
        .lines()
        .find(|line| line.starts_with(name) && line.contains(labels))?;
    Some(line.rsplit_once(' ')?.1.to_owned())
}

fn handled(metrics: &Metrics, code: &str) -> Option<String> {
    let label = format!("grpc_code=\"{code}\"");
    value(metrics, "grpc_server_handled_total", &label)
}

#[tokio::test]
async fn an_answer_to_its_end_counts_by_its_code() {
    let metrics = Metrics::default();
    let answer = || response(vec![message(), message(), trailers("0")]);
    call(&metrics, "/a.B/C", answer).await;
    call(&metrics, "/a.B/C", answer).await;
    let labels = r#"{grpc_service="a.B",grpc_method="C",transport="http2"}"#;
    let two = Some("2".to_owned());
    assert_eq!(value(&metrics, "grpc_server_started_total", labels), two);
    let count = value(&metrics, "grpc_server_handling_seconds_count", labels);
    assert_eq!(count, two);
    assert_eq!(handled(&metrics, "OK"), two);
    let by = r#"{transport="http2"}"#;
    let received = value(&metrics, "grpc_websocket_received_bytes_total", by);
    assert_eq!(received.as_deref(), Some("14"));
    let sent = value(&metrics, "grpc_websocket_sent_bytes_total", by);
    assert_eq!(sent.as_deref(), Some("28"));
    let open = value(&metrics, "grpc_websocket_calls_open", by);
    assert_eq!(open.as_deref(), Some("0"));
}

#[tokio::test]
async fn every_way_to_fail_has_its_code() {
    let of_head = |status: &'static str| {
        let mut response = response(vec![]);
        let value = HeaderValue::from_static(status);
        response.headers_mut().insert(GRPC_STATUS, value);
        response
    };
    let of_http = |status: u16| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    };
    type Case<'a> = (&'static str, Box<dyn Fn() -> Response<Body> + 'a>);
    let cases: [Case<'_>; 9] = [
        (
            "NotFound",
            Box::new(|| response(vec![message(), trailers("5")])),
        ),
        ("Unknown", Box::new(|| response(vec![trailers("soon")]))),
        ("Unknown", Box::new(|| response(vec![message()]))),
        (
            "Unknown",
            Box::new(|| response(vec![Ok(Frame::trailers(HeaderMap::new()))])),
        ),
        (
            "Unavailable",
            Box::new(|| response(vec![Err(Status::unavailable("lost"))])),
        ),
        ("PermissionDenied", Box::new(|| of_head("7"))),
        ("Unauthenticated", Box::new(|| of_http(401))),
        ("Unavailable", Box::new(|| of_http(503))),
        ("Unknown", Box::new(|| of_http(200))),
    ];
    for (code, answer) in cases {
        let metrics = Metrics::default();
        call(&metrics, "/a.B/C", answer).await;
        assert_eq!(
            handled(&metrics, code).as_deref(),
            Some("1"),
            "{code}: {}",
            metrics.text()
        );
    }
}

#[tokio::test]
async fn an_error_of_the_service_becomes_an_answer() {
    let metrics = Metrics::default();
    let service = service_fn(async |_: Request<Body>| {
        Err::<Response<Body>, _>(Status::resource_exhausted("full"))
    });
    let service = Observe::new(metrics.clone()).layer(service);
    let response = service.oneshot(request("/a.B/C")).await.unwrap();
    assert_eq!(response.headers()[GRPC_STATUS], "8");
    assert_eq!(handled(&metrics, "ResourceExhausted").as_deref(), Some("1"));
}

/// Drops a call before its answer, or in the middle of it.
async fn give_up(metrics: &Metrics, answer: Option<Response<Body>>, timeout: &'static str) {
    let answer = Arc::new(Mutex::new(answer));
    let service = service_fn(move |_: Request<Body>| {
        let answer = answer.lock().unwrap().take();
        async move {
            match answer {
                Some(answer) => Ok::<_, BoxError>(answer),
                None => pending().await,
            }
        }
    });
    let service = Observe::new(metrics.clone()).layer(service);
    let mut request = request("/a.B/C");
    let value = HeaderValue::from_static(timeout);
    request.headers_mut().insert("grpc-timeout", value);
    let answered = tokio::time::timeout(Duration::from_millis(20), service.oneshot(request)).await;
    if let Ok(response) = answered {
        let mut body = response.unwrap().into_body();
        body.frame().await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_was_cancelled_or_out_of_time() {
    let metrics = Metrics::default();
    give_up(&metrics, None, "1H").await;
    assert_eq!(handled(&metrics, "Canceled").as_deref(), Some("1"));
    give_up(&metrics, None, "5m").await;
    assert_eq!(handled(&metrics, "DeadlineExceeded").as_deref(), Some("1"));
    let endless = tokio_stream::iter([message()]).chain(tokio_stream::pending());
    let mut half = response(vec![]);
    *half.body_mut() = Body::new(StreamBody::new(endless));
    let metrics = Metrics::default();
    give_up(&metrics, Some(half), "1H").await;
    assert_eq!(handled(&metrics, "Canceled").as_deref(), Some("1"));
    let open = value(&metrics, "grpc_websocket_calls_open", "http2");
    assert_eq!(open.as_deref(), Some("0"));
}

#[tokio::test]
async fn methods_that_nobody_has_make_no_labels() {
    let metrics = Metrics::default();
    for n in 0..3000 {
        let refusal = || Status::unimplemented("nobody").into_http();
        call(&metrics, &format!("/evil.S/M{n}"), refusal).await;
    }
    let text = metrics.text();
    assert!(!text.contains("evil"), "{text}");
    let other = r#"grpc_service="other",grpc_method="other",grpc_code="Unimplemented""#;
    assert_eq!(handled(&metrics, "Unimplemented").as_deref(), Some("3000"));
    assert!(text.contains(other), "{text}");
}

#[tokio::test]
async fn even_methods_that_answer_make_a_bounded_number_of_labels() {
    let metrics = Metrics::default();
    for n in 0..1500 {
        let answer = || response(vec![trailers("0")]);
        call(&metrics, &format!("/s/m{n}"), answer).await;
    }
    let text = metrics.text();
    let lines = text
        .lines()
        .filter(|line| line.starts_with("grpc_server_started_total"));
    assert_eq!(lines.count(), 1001);
    let other = r#"{grpc_service="other",grpc_method="other",transport="http2"}"#;
    let others = value(&metrics, "grpc_server_started_total", other);
    assert_eq!(others.as_deref(), Some("500"));
}

#[tokio::test]
async fn the_bodies_keep_their_sizes_and_ends() {
    let metrics = Metrics::default();
    let service = service_fn(async |request: Request<Body>| {
        let body = request.into_body();
        assert_eq!(body.size_hint().exact(), Some(7));
        assert!(!body.is_end_stream());
        let response = Response::builder().header(CONTENT_TYPE, "application/grpc");
        Ok::<_, BoxError>(response.body(Body::new(Full::from(MESSAGE))).unwrap())
    });
    let service = Observe::new(metrics.clone()).layer(service);
    let response = service.oneshot(request("/a.B/C")).await.unwrap();
    let mut body = response.into_body();
    assert_eq!(body.size_hint().exact(), Some(7));
    let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(data.as_ptr(), MESSAGE.as_ptr(), "no copy");
    assert!(body.is_end_stream());
    drop(body);
    assert_eq!(handled(&metrics, "Unknown").as_deref(), Some("1"));
}

#[tokio::test]
async fn what_is_not_grpc_passes_unseen() {
    let metrics = Metrics::default();
    let service = service_fn(async |_: Request<Body>| {
        Ok::<_, BoxError>(Response::new(Body::new(Full::from("page"))))
    });
    let service = Observe::new(metrics.clone()).layer(service);
    let request = Request::get("/").body(Body::empty()).unwrap();
    let response = service.oneshot(request).await.unwrap();
    let page = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(page, "page");
    assert!(!metrics.text().contains("grpc_server_handled_total{"));
}

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The log of one call, in both formats.
async fn log_of(request: Request<Body>, json: bool) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false);
    let guard = if json {
        tracing::subscriber::set_default(subscriber.json().with_span_list(false).finish())
    } else {
        tracing::subscriber::set_default(subscriber.finish())
    };
    let service = service_fn(async |_: Request<Body>| {
        Ok::<_, BoxError>(response(vec![message(), trailers("5")]))
    });
    let service = Observe::new(Metrics::default()).layer(service);
    // Another test may have met the span of a call just before there was this subscriber, and then it
    // stays off: a first call makes it known, and what is known is asked for again.
    for request in [self::request("/a/b"), request] {
        tracing::callsite::rebuild_interest_cache();
        log.0.lock().unwrap().clear();
        let response = service.clone().oneshot(request).await.unwrap();
        response.into_body().collect().await.unwrap();
    }
    drop(guard);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn with_secrets(path: &str) -> Request<Body> {
    let mut request = request(path);
    let secret = HeaderValue::from_static("Bearer s3cret");
    request.headers_mut().insert("authorization", secret);
    let address: SocketAddr = "192.0.2.7:4711".parse().unwrap();
    request.extensions_mut().insert(TcpConnectInfo {
        local_addr: None,
        remote_addr: Some(address),
    });
    request
}

#[tokio::test]
async fn a_call_is_one_line_with_all_there_is_to_know() {
    for json in [false, true] {
        let log = log_of(with_secrets("/a.B/C"), json).await;
        assert_eq!(log.lines().count(), 1, "{log}");
        for part in [
            "a.B",
            "C",
            "http2",
            "192.0.2.7:4711",
            "NotFound",
            "duration_ms",
            "INFO",
        ] {
            assert!(log.contains(part), "{part} is not in {log}");
        }
        assert!(!log.contains("s3cret"), "{log}");
    }
}

#[tokio::test]
async fn a_long_name_is_cut() {
    let log = log_of(with_secrets(&format!("/{}/C", "a".repeat(60_000))), false).await;
    assert!(log.len() < 600, "{}", log.len());
}
