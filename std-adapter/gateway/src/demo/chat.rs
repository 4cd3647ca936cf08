//! `demo.v1.Chat`: turns calls into participants of one [`Room`].

use std::sync::Arc;

use tokio::sync::mpsc::{self, Sender};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::ResponseStream;
use super::limits::{check_name, check_spoken_text};
use super::pb::chat_event::Event;
use super::pb::chat_request::Request as Said;
use super::pb::chat_server::Chat;
use super::pb::{ChatEvent, ChatRequest};
use super::room::Room;

/// One room for all callers.
#[derive(Debug, Default)]
pub(super) struct ChatService {
    room: Arc<Room>,
}

#[tonic::async_trait]
impl Chat for ChatService {
    type JoinStream = ResponseStream<ChatEvent>;

    async fn join(
        &self,
        request: Request<Streaming<ChatRequest>>,
    ) -> Result<Response<Self::JoinStream>, Status> {
        // One event at a time: what a slow caller has not read yet waits in the room's backlog.
        let (caller, events) = mpsc::channel(1);
        tokio::spawn(serve(Arc::clone(&self.room), request.into_inner(), caller));
        Ok(Response::new(Box::pin(ReceiverStream::new(events))))
    }
}

/// What goes back to the caller: events, and a status if the call fails.
type Caller = Sender<Result<ChatEvent, Status>>;

/// Serves one call, for as long as the caller reads the events.
async fn serve(room: Arc<Room>, requests: Streaming<ChatRequest>, caller: Caller) {
    let result = tokio::select! {
        result = take_part(&room, requests, &caller) => result,
        () = caller.closed() => return,
    };
    if let Err(status) = result {
        // An error means that the caller does not want to know any more.
        let _ = caller.send(Err(status)).await;
    }
}

/// Takes part in the conversation until the caller half-closes or breaks a rule.
async fn take_part(
    room: &Arc<Room>,
    mut requests: Streaming<ChatRequest>,
    caller: &Caller,
) -> Result<(), Status> {
    let Some(first) = requests.message().await? else {
        return Ok(());
    };
    let (mut seat, welcome) = room.enter(name_of(first)?)?;
    tell(caller, Event::Welcome(welcome)).await;
    loop {
        tokio::select! {
            request = requests.message() => match request? {
                Some(request) => seat.say(text_of(request)?),
                None => return Ok(()),
            },
            event = seat.next_event() => tell(caller, event).await,
        }
    }
}

async fn tell(caller: &Caller, event: Event) {
    // An error means that the caller is gone, which `serve` notices.
    let _ = caller.send(Ok(ChatEvent { event: Some(event) })).await;
}

fn name_of(first: ChatRequest) -> Result<String, Status> {
    let Some(Said::Name(name)) = first.request else {
        return Err(Status::invalid_argument(
            "the first message must say the name",
        ));
    };
    check_name(&name)?;
    Ok(name)
}

fn text_of(request: ChatRequest) -> Result<String, Status> {
    let Some(Said::Text(text)) = request.request else {
        return Err(Status::invalid_argument(
            "every message but the first must say a text",
        ));
    };
    check_spoken_text(&text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;
    use crate::demo::limits::{MAX_NAME_CHARS, MAX_TEXT_CHARS};
    use crate::demo::pb::chat_client::ChatClient;
    use crate::demo::pb::chat_server::ChatServer;
    use crate::demo::pb::{Participant, Welcome};

    type Client = ChatClient<ChatServer<ChatService>>;

    /// One call of `Join`, from the caller's side.
    struct Call {
        requests: Sender<ChatRequest>,
        events: Streaming<ChatEvent>,
    }

    impl Call {
        async fn start(client: &Client) -> Self {
            let (requests, stream) = mpsc::channel(1);
            let response = client
                .clone()
                .join(ReceiverStream::new(stream))
                .await
                .unwrap();
            Self {
                requests,
                events: response.into_inner(),
            }
        }

        async fn enter(client: &Client, name: &str) -> (Self, Welcome) {
            let mut call = Self::start(client).await;
            call.send(Said::Name(name.into())).await;
            let Event::Welcome(welcome) = call.next().await else {
                panic!("no welcome")
            };
            (call, welcome)
        }

        async fn send(&self, said: Said) {
            self.requests
                .send(ChatRequest {
                    request: Some(said),
                })
                .await
                .unwrap();
        }

        async fn say(&self, text: &str) {
            self.send(Said::Text(text.into())).await;
        }

        async fn next(&mut self) -> Event {
            self.events.message().await.unwrap().unwrap().event.unwrap()
        }

        async fn hear(&mut self) -> (String, String) {
            let Event::Message(message) = self.next().await else {
                panic!("not a message")
            };
            (message.from.unwrap().name, message.text)
        }

        async fn refusal(mut self) -> Status {
            let status = self.events.message().await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument);
            status
        }
    }

    fn client() -> Client {
        ChatClient::new(ChatServer::new(ChatService::default()))
    }

    fn participant(id: u64, name: &str) -> Participant {
        Participant {
            id,
            name: name.into(),
        }
    }

    #[tokio::test]
    async fn everybody_hears_everybody() {
        let client = client();
        let (mut ada, welcome) = Call::enter(&client, "Ada").await;
        assert_eq!(
            welcome,
            Welcome {
                you: Some(participant(1, "Ada")),
                others: vec![]
            }
        );
        let (mut bob, welcome) = Call::enter(&client, "Bob").await;
        assert_eq!(welcome.others, [participant(1, "Ada")]);
        assert_eq!(ada.next().await, Event::Joined(participant(2, "Bob")));

        ada.say("hello").await;
        bob.hear().await;
        bob.say("hi").await;
        assert_eq!(ada.hear().await, ("Ada".into(), "hello".into()));
        assert_eq!(ada.hear().await, ("Bob".into(), "hi".into()));
        assert_eq!(bob.hear().await, ("Bob".into(), "hi".into()));
    }

    #[tokio::test]
    async fn whoever_half_closes_has_left() {
        let client = client();
        let (mut ada, _) = Call::enter(&client, "Ada").await;
        let (mut bob, _) = Call::enter(&client, "Bob").await;
        ada.next().await;
        drop(bob.requests);
        assert_eq!(bob.events.message().await.unwrap(), None);
        assert_eq!(ada.next().await, Event::Left(participant(2, "Bob")));
    }

    #[tokio::test]
    async fn whoever_vanishes_has_left() {
        let client = client();
        let (mut ada, _) = Call::enter(&client, "Ada").await;
        let (bob, _) = Call::enter(&client, "Bob").await;
        ada.next().await;
        // The requests stay open: only that nobody reads the events tells that Bob is gone.
        let Call {
            requests: _open,
            events,
        } = bob;
        drop(events);
        assert_eq!(ada.next().await, Event::Left(participant(2, "Bob")));
    }

    #[tokio::test]
    async fn whoever_vanishes_with_unread_events_has_left() {
        let client = client();
        let (mut ada, _) = Call::enter(&client, "Ada").await;
        let (bob, _) = Call::enter(&client, "Bob").await;
        ada.next().await;
        for _ in 0..10 {
            ada.say("anybody?").await;
            ada.hear().await;
        }
        let Call {
            requests: _open,
            events,
        } = bob;
        drop(events);
        assert_eq!(ada.next().await, Event::Left(participant(2, "Bob")));
    }

    #[tokio::test]
    async fn whoever_breaks_a_rule_has_left() {
        let client = client();
        let (mut ada, _) = Call::enter(&client, "Ada").await;
        let (bob, _) = Call::enter(&client, "Bob").await;
        ada.next().await;
        bob.say(&"x".repeat(MAX_TEXT_CHARS + 1)).await;
        assert_eq!(
            bob.refusal().await.message().split(',').next(),
            Some("the text has 1001 characters")
        );
        assert_eq!(ada.next().await, Event::Left(participant(2, "Bob")));
    }

    #[tokio::test]
    async fn the_name_comes_first_and_once() {
        let client = client();
        let nameless = Call::start(&client).await;
        nameless.say("hello").await;
        assert_eq!(
            nameless.refusal().await.message(),
            "the first message must say the name"
        );

        let (renamed, _) = Call::enter(&client, "Ada").await;
        renamed.send(Said::Name("Bob".into())).await;
        let status = renamed.refusal().await;
        assert_eq!(
            status.message(),
            "every message but the first must say a text"
        );
    }

    #[tokio::test]
    async fn bad_names_are_refused() {
        let client = client();
        for name in ["", "a\nb", &"x".repeat(MAX_NAME_CHARS + 1)] {
            let call = Call::start(&client).await;
            call.send(Said::Name(name.into())).await;
            call.refusal().await;
        }
        let (_ada, welcome) = Call::enter(&client, "Ada").await;
        assert_eq!(welcome.others, []);
    }
}
