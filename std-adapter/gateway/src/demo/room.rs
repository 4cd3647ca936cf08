//! The chat room: who is in it, and who hears what.
//!
//! Memory is bounded by [`MAX_PARTICIPANTS`] names and one ring of [`BACKLOG`] events that all
//! readers share. Nobody waits for a slow reader: what it misses is overwritten, and counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tonic::Status;

use super::pb::chat_event::Event;
use super::pb::{ChatMessage, Missed, Participant, Welcome};

/// How many events a reader may be behind before it misses some.
pub(super) const BACKLOG: usize = 64;

/// How many participants fit into the room.
pub(super) const MAX_PARTICIPANTS: usize = 256;

/// A room that participants enter, speak in and leave.
#[derive(Debug)]
pub(super) struct Room {
    present: Mutex<Present>,
    events: Sender<Event>,
}

#[derive(Debug, Default)]
struct Present {
    last_id: u64,
    names: BTreeMap<u64, String>,
}

impl Room {
    /// Lets a participant in and tells those who are there.
    ///
    /// The welcome, and every event from here on, go to the [`Seat`].
    pub(super) fn enter(self: &Arc<Self>, name: String) -> Result<(Seat, Welcome), Status> {
        // Held until all is done: otherwise somebody who enters or leaves meanwhile could be both
        // in the welcome and among the events, or in neither.
        let mut present = self.present();
        if present.names.len() >= MAX_PARTICIPANTS {
            return Err(Status::resource_exhausted(
                "the room is full, try again later",
            ));
        }
        let others = present.participants();
        let you = present.add(name);
        self.tell(Event::Joined(you.clone()));
        let events = self.events.subscribe();
        let seat = Seat {
            room: Arc::clone(self),
            you: you.clone(),
            events,
        };
        Ok((
            seat,
            Welcome {
                you: Some(you),
                others,
            },
        ))
    }

    fn tell(&self, event: Event) {
        // An error means that the room is empty.
        let _ = self.events.send(event);
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        // No code that can panic runs between two related changes.
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Room {
    fn default() -> Self {
        Self {
            present: Mutex::default(),
            events: broadcast::Sender::new(BACKLOG),
        }
    }
}

impl Present {
    fn add(&mut self, name: String) -> Participant {
        self.last_id += 1;
        self.names.insert(self.last_id, name.clone());
        Participant {
            id: self.last_id,
            name,
        }
    }

    fn participants(&self) -> Vec<Participant> {
        let participant = |(&id, name): (&u64, &String)| Participant {
            id,
            name: name.clone(),
        };
        self.names.iter().map(participant).collect()
    }
}

/// A participant's place in a [`Room`]. Whoever drops it has left.
#[derive(Debug)]
pub(super) struct Seat {
    room: Arc<Room>,
    you: Participant,
    events: Receiver<Event>,
}

impl Seat {
    /// Says something to everybody, the speaker included.
    pub(super) fn say(&self, text: String) {
        self.room.tell(Event::Message(ChatMessage {
            from: Some(self.you.clone()),
            text,
        }));
    }

    /// Waits for the next event. Cancel-safe.
    pub(super) async fn next_event(&mut self) -> Event {
        match self.events.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(count)) => Event::Missed(Missed { count }),
            Err(RecvError::Closed) => unreachable!("this seat keeps its room alive"),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut present = self.room.present();
        present.names.remove(&self.you.id);
        self.room.tell(Event::Left(self.you.clone()));
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[tokio::test]
    async fn a_slow_reader_is_told_what_it_missed() {
        let room = Arc::new(Room::default());
        let (mut slow, _) = room.enter("slow".into()).unwrap();
        let (fast, _) = room.enter("fast".into()).unwrap();
        for number in 0..BACKLOG + 9 {
            fast.say(number.to_string());
        }
        // Nine texts and the event that told of the fast one's arrival.
        assert_eq!(slow.next_event().await, Event::Missed(Missed { count: 10 }));
        let Event::Message(oldest) = slow.next_event().await else {
            panic!("not a message")
        };
        assert_eq!(oldest.text, "9");
    }

    #[test]
    fn a_full_room_lets_the_next_one_in_when_somebody_leaves() {
        let room = Arc::new(Room::default());
        let enter = || room.enter("somebody".into());
        let mut seats: Vec<_> = (0..MAX_PARTICIPANTS).map(|_| enter().unwrap()).collect();
        assert_eq!(enter().unwrap_err().code(), Code::ResourceExhausted);
        seats.pop();
        let (_seat, welcome) = enter().unwrap();
        assert_eq!(welcome.others.len(), MAX_PARTICIPANTS - 1);
    }
}
