//! What every [`EventBus`] must do. Delivery is best effort, but not to readers that keep up.

#![expect(missing_docs, reason = "the name of a case says what it checks")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use super::sample;
use crate::{Event, EventBus, EventStream, JobState, OwnerId};

/// Makes a test of each case.
#[macro_export]
macro_rules! event_bus_contract {
    ($setup:path) => {
        $crate::contract_suite! { event_bus, $setup:
            a_subscriber_gets_what_is_published
            no_subscriber_is_no_error
            every_subscriber_gets_every_event
            events_come_in_the_order_of_publishing
            a_subscriber_hears_nothing_from_before
            a_subscriber_that_left_disturbs_nobody
        }
    };
}

fn event(n: u64) -> Event {
    Event {
        owner: OwnerId::DEFAULT,
        job_id: sample::job_id(n),
        image_id: sample::image_id(n),
        state: JobState::Running,
    }
}

/// The next event; fails rather than hangs.
async fn next(events: &mut EventStream) -> Event {
    tokio::time::timeout(Duration::from_secs(10), events.next()).await.unwrap().unwrap()
}

pub async fn a_subscriber_gets_what_is_published<B: EventBus>(bus: Arc<B>) {
    let mut events = bus.subscribe().await.unwrap();
    bus.publish(event(1)).await.unwrap();
    assert_eq!(next(&mut events).await, event(1));
}

pub async fn no_subscriber_is_no_error<B: EventBus>(bus: Arc<B>) {
    bus.publish(event(1)).await.unwrap();
}

pub async fn every_subscriber_gets_every_event<B: EventBus>(bus: Arc<B>) {
    let mut first = bus.subscribe().await.unwrap();
    let mut second = bus.subscribe().await.unwrap();
    bus.publish(event(1)).await.unwrap();
    bus.publish(event(2)).await.unwrap();
    for events in [&mut first, &mut second] {
        assert_eq!(next(events).await, event(1));
        assert_eq!(next(events).await, event(2));
    }
}

pub async fn events_come_in_the_order_of_publishing<B: EventBus>(bus: Arc<B>) {
    let mut events = bus.subscribe().await.unwrap();
    for n in 0..100 {
        bus.publish(event(n)).await.unwrap();
    }
    for n in 0..100 {
        assert_eq!(next(&mut events).await, event(n));
    }
}

pub async fn a_subscriber_hears_nothing_from_before<B: EventBus>(bus: Arc<B>) {
    bus.publish(event(1)).await.unwrap();
    let mut events = bus.subscribe().await.unwrap();
    bus.publish(event(2)).await.unwrap();
    assert_eq!(next(&mut events).await, event(2));
}

pub async fn a_subscriber_that_left_disturbs_nobody<B: EventBus>(bus: Arc<B>) {
    drop(bus.subscribe().await.unwrap());
    bus.publish(event(1)).await.unwrap();
    let mut events = bus.subscribe().await.unwrap();
    bus.publish(event(2)).await.unwrap();
    assert_eq!(next(&mut events).await, event(2));
}
