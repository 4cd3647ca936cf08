//! Whether calls would be answered: asks each upstream for its health, again and again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use tokio::time::{sleep, timeout};
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::{BoxError, Service};

/// How long an upstream may take to tell its health, and how long until it is asked again.
const LIMIT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_secs(1);

/// What is known of the upstreams. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Readiness(Arc<Inner>);

#[derive(Default)]
struct Inner {
    is_stopping: AtomicBool,
    upstreams: Mutex<Vec<Upstream>>,
}

struct Upstream {
    name: String,
    /// Why it is not ready.
    reason: Option<String>,
}

impl Readiness {
    /// From now on nothing is ready.
    pub(crate) fn stop(&self) {
        self.0.is_stopping.store(true, Ordering::Release);
    }

    /// Why the gateway is not ready, a line each; none if it is.
    pub(crate) fn reasons_against(&self) -> Vec<String> {
        if self.0.is_stopping.load(Ordering::Acquire) {
            return vec!["the gateway is stopping".to_owned()];
        }
        let upstreams = self.0.upstreams.lock();
        let upstreams = upstreams.unwrap_or_else(PoisonError::into_inner);
        let reason = |upstream: &Upstream| {
            let reason = upstream.reason.as_ref()?;
            Some(format!("{}: {reason}", upstream.name))
        };
        upstreams.iter().filter_map(reason).collect()
    }

    /// Watches one more upstream, in a task of its own that never ends.
    pub(crate) fn watch<S>(&self, name: String, service: S)
    where
        S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
    {
        let index = self.add(name);
        let readiness = self.clone();
        tokio::spawn(async move {
            loop {
                let reason = reason_against(service.clone()).await;
                readiness.tell(index, reason);
                sleep(PAUSE).await;
            }
        });
    }

    fn add(&self, name: String) -> usize {
        let upstreams = self.0.upstreams.lock();
        let mut upstreams = upstreams.unwrap_or_else(PoisonError::into_inner);
        upstreams.push(Upstream {
            name,
            reason: Some("not asked yet".to_owned()),
        });
        upstreams.len() - 1
    }

    fn tell(&self, index: usize, reason: Option<String>) {
        let upstreams = self.0.upstreams.lock();
        let mut upstreams = upstreams.unwrap_or_else(PoisonError::into_inner);
        let upstream = &mut upstreams[index];
        match &reason {
            Some(reason) if upstream.reason.as_ref() != Some(reason) => {
                tracing::warn!(upstream = upstream.name, %reason, "not ready");
            }
            None if upstream.reason.is_some() => {
                tracing::info!(upstream = upstream.name, "ready");
            }
            _ => {}
        }
        upstream.reason = reason;
    }
}

/// Asks once. An upstream without a health service is ready if it answers.
async fn reason_against<S>(service: S) -> Option<String>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: Into<BoxError>,
{
    let mut client = HealthClient::new(service);
    let answer = client.check(HealthCheckRequest::default());
    match timeout(LIMIT, answer).await {
        Err(_) => Some(format!("no answer in {} s", LIMIT.as_secs())),
        Ok(Ok(answer)) => reason_of(answer.into_inner().status()),
        Ok(Err(status)) => reason_of_failure(&status),
    }
}

fn reason_of(status: ServingStatus) -> Option<String> {
    let is_serving = status == ServingStatus::Serving;
    (!is_serving).then(|| format!("it says {}", status.as_str_name()))
}

fn reason_of_failure(status: &Status) -> Option<String> {
    let message: String = status
        .message()
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    (status.code() == Code::Unavailable).then_some(message)
}

#[cfg(test)]
mod tests {
    use tonic::service::Routes;
    use tower::service_fn;

    use super::*;

    #[tokio::test]
    async fn an_upstream_is_ready_when_it_says_so() {
        let (reporter, health) = tonic_health::server::health_reporter();
        let service = Routes::new(health);
        assert_eq!(reason_against(service.clone()).await, None);
        let not = tonic_health::ServingStatus::NotServing;
        reporter.set_service_status("", not).await;
        let reason = reason_against(service).await;
        assert_eq!(reason.unwrap(), "it says NOT_SERVING");
    }

    async fn reason_after(status: Status) -> Option<String> {
        let service = service_fn(move |_: Request<Body>| {
            let response = status.clone().into_http();
            async { Ok::<_, BoxError>(response) }
        });
        reason_against(service).await
    }

    #[tokio::test]
    async fn an_upstream_that_answers_at_all_is_reachable() {
        assert_eq!(reason_after(Status::unimplemented("no health")).await, None);
        assert_eq!(reason_after(Status::unauthenticated("who?")).await, None);
        let lost = Status::unavailable("the connection\nfailed");
        assert_eq!(reason_after(lost).await.unwrap(), "the connection failed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_upstream_is_not_ready_and_one_that_comes_back_is() {
        let is_silent = Arc::new(AtomicBool::new(true));
        let service = service_fn({
            let is_silent = Arc::clone(&is_silent);
            move |_: Request<Body>| {
                let is_silent = is_silent.load(Ordering::SeqCst);
                async move {
                    if is_silent {
                        std::future::pending::<()>().await;
                    }
                    Ok::<_, BoxError>(Status::unimplemented("").into_http())
                }
            }
        });
        let readiness = Readiness::default();
        readiness.watch("http://h:1".to_owned(), service);
        assert_eq!(readiness.reasons_against(), ["http://h:1: not asked yet"]);
        sleep(LIMIT + PAUSE / 2).await;
        assert_eq!(
            readiness.reasons_against(),
            ["http://h:1: no answer in 2 s"]
        );
        is_silent.store(false, Ordering::SeqCst);
        sleep(PAUSE).await;
        assert!(readiness.reasons_against().is_empty());
    }
}
