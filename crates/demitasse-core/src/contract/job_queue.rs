//! What every [`JobQueue`] must do.

#![expect(missing_docs, reason = "the name of a case says what it checks")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::sample;
use crate::{Claim, JobId, JobQueue, Priority, QueueDepth, Sequence, Ticket};

/// Makes a test of each case.
#[macro_export]
macro_rules! job_queue_contract {
    ($setup:path) => {
        $crate::contract_suite! { job_queue, $setup:
            an_empty_queue_has_nothing_to_claim
            jobs_come_in_the_order_of_enqueueing
            higher_priorities_come_first
            a_returned_entry_comes_before_those_that_were_never_handed_out
            a_job_is_enqueued_once
            a_claimed_job_is_enqueued_once
            an_acknowledged_job_may_come_again
            a_claimed_job_is_not_handed_out_again
            concurrent_claimers_never_hold_the_same_job
            an_ended_lease_is_claimable_again_and_counts_the_delivery
            an_ended_lease_keeps_its_place
            a_lease_that_was_taken_over_is_lost
            an_ended_lease_that_nobody_took_is_held_still
            a_heartbeat_extends_the_lease
            an_acknowledged_entry_is_gone
            a_returned_entry_is_ready_again_in_its_place
            a_returned_entry_waits_for_its_delay
            a_returned_lease_is_lost
            durations_without_end_are_taken
            depth_counts_ready_delayed_and_claimed
            depth_says_how_long_the_oldest_has_been_ready
            a_buried_entry_is_kept_and_never_handed_out
            a_buried_job_may_come_again
            a_buried_job_comes_again_at_the_place_that_it_asks_for
            a_lost_lease_buries_nothing
            waiting_ends_in_time
            waiting_ends_early_or_the_entry_is_there_after_it
        }
    };
}

const LONG: Duration = Duration::from_secs(3600);

fn ticket(n: u32) -> Ticket {
    Ticket { job_id: sample::job_id(n.into()), sequence: Sequence(n.into()), priority: Priority::Normal }
}

async fn enqueue(queue: &impl JobQueue, numbers: impl IntoIterator<Item = u32>) {
    for n in numbers {
        queue.enqueue(ticket(n)).await.unwrap();
    }
}

async fn claim(queue: &impl JobQueue, lease: Duration) -> Option<Claim> {
    queue.claim("tester", lease).await.unwrap()
}

async fn depth(queue: &impl JobQueue) -> (u64, u64, u64) {
    let QueueDepth { ready, delayed, claimed, .. } = queue.depth().await.unwrap();
    (ready, delayed, claimed)
}

pub async fn an_empty_queue_has_nothing_to_claim<Q: JobQueue>(queue: Arc<Q>) {
    assert_eq!(claim(&*queue, LONG).await, None);
    assert_eq!(depth(&*queue).await, (0, 0, 0));
}

pub async fn jobs_come_in_the_order_of_enqueueing<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1, 2, 3, 10]).await;
    for n in [1, 2, 3, 10] {
        let claim = claim(&*queue, LONG).await.unwrap();
        assert_eq!((claim.job_id, claim.deliveries), (ticket(n).job_id, 1));
    }
    assert_eq!(claim(&*queue, LONG).await, None);
}

pub async fn higher_priorities_come_first<Q: JobQueue>(queue: Arc<Q>) {
    let bulk = Ticket { priority: Priority::Low, ..ticket(1) };
    let urgent = Ticket { priority: Priority::High, ..ticket(3) };
    for ticket in [bulk, ticket(2), urgent] {
        queue.enqueue(ticket).await.unwrap();
    }
    let held = claim(&*queue, LONG).await.unwrap();
    assert_eq!(held.job_id, urgent.job_id);
    queue.nack(held, Duration::ZERO).await.unwrap();
    for expected in [urgent, ticket(2), bulk] {
        assert_eq!(claim(&*queue, LONG).await.unwrap().job_id, expected.job_id);
    }
}

pub async fn a_returned_entry_comes_before_those_that_were_never_handed_out<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, 1..=4).await;
    let returned = claim(&*queue, LONG).await.unwrap();
    claim(&*queue, Duration::ZERO).await.unwrap();
    queue.nack(returned, Duration::ZERO).await.unwrap();
    let back = [claim(&*queue, LONG).await.unwrap().job_id, claim(&*queue, LONG).await.unwrap().job_id];
    assert_eq!(BTreeSet::from(back), BTreeSet::from([ticket(1).job_id, ticket(2).job_id]));
    assert_eq!(claim(&*queue, LONG).await.unwrap().job_id, ticket(3).job_id);
}

pub async fn a_job_is_enqueued_once<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1, 1, 1]).await;
    assert_eq!(depth(&*queue).await, (1, 0, 0));
    assert!(claim(&*queue, LONG).await.is_some());
    assert_eq!(claim(&*queue, LONG).await, None);
}

pub async fn a_claimed_job_is_enqueued_once<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1]).await;
    let held = claim(&*queue, LONG).await.unwrap();
    enqueue(&*queue, [1]).await;
    assert_eq!(claim(&*queue, LONG).await, None, "the claim was left as it is");
    assert!(queue.ack(held).await.unwrap());
    assert_eq!(depth(&*queue).await, (0, 0, 0));
}

pub async fn an_acknowledged_job_may_come_again<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1]).await;
    let held = claim(&*queue, LONG).await.unwrap();
    queue.ack(held).await.unwrap();
    enqueue(&*queue, [1]).await;
    let again = claim(&*queue, LONG).await.unwrap();
    assert_eq!((again.job_id, again.deliveries), (ticket(1).job_id, 1));
}

pub async fn a_claimed_job_is_not_handed_out_again<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1, 2]).await;
    let first = claim(&*queue, LONG).await.unwrap();
    let second = claim(&*queue, LONG).await.unwrap();
    assert_ne!(first.job_id, second.job_id);
    assert_ne!(first.lease, second.lease);
    assert_eq!(claim(&*queue, LONG).await, None);
}

pub async fn concurrent_claimers_never_hold_the_same_job<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, 0..24).await;
    let workers = (0..6).map(|_| {
        let queue = queue.clone();
        tokio::spawn(async move {
            let mut jobs = Vec::new();
            while let Some(claim) = claim(&*queue, LONG).await {
                jobs.push(claim.job_id);
            }
            jobs
        })
    });
    let claimed: Vec<JobId> = join_all(workers).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(claimed.len(), 24);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), 24);
}

pub async fn an_ended_lease_is_claimable_again_and_counts_the_delivery<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1]).await;
    let mut leases = BTreeSet::new();
    for deliveries in 1..=4 {
        let crashed = claim(&*queue, Duration::ZERO).await.unwrap();
        assert_eq!((crashed.job_id, crashed.deliveries), (ticket(1).job_id, deliveries));
        leases.insert(crashed.lease);
    }
    assert_eq!(leases.len(), 4, "each claim has its own lease");
}

pub async fn an_ended_lease_keeps_its_place<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1, 2]).await;
    claim(&*queue, Duration::ZERO).await.unwrap();
    assert_eq!(claim(&*queue, LONG).await.unwrap().job_id, ticket(1).job_id);
}

pub async fn a_lease_that_was_taken_over_is_lost<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1]).await;
    let old = claim(&*queue, Duration::ZERO).await.unwrap();
    let new = claim(&*queue, LONG).await.unwrap();
    assert!(!queue.heartbeat(old, LONG).await.unwrap());
    assert!(!queue.nack(old, Duration::ZERO).await.unwrap());
    assert!(!queue.ack(old).await.unwrap());
    assert_eq!(depth(&*queue).await, (0, 0, 1), "the late calls changed nothing");
    assert!(queue.ack(new).await.unwrap());
}

pub async fn an_ended_lease_that_nobody_took_is_held_still<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1]).await;
    let held = claim(&*queue, Duration::ZERO).await.unwrap();
    assert_eq!(depth(&*queue).await, (1, 0, 0));
    assert!(queue.ack(held).await.unwrap());
    assert_eq!(depth(&*queue).await, (0, 0, 0));
}

pub async fn a_heartbeat_extends_the_lease<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1]).await;
    let held = claim(&*queue, Duration::ZERO).await.unwrap();
    assert!(queue.heartbeat(held, LONG).await.unwrap());
    assert_eq!(claim(&*queue, LONG).await, None);
    assert!(queue.heartbeat(held, Duration::ZERO).await.unwrap(), "the length counts from now");
    assert_eq!(claim(&*queue, LONG).await.unwrap().deliveries, 2, "heartbeats are no deliveries");
}

pub async fn an_acknowledged_entry_is_gone<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1]).await;
    let held = claim(&*queue, LONG).await.unwrap();
    assert!(queue.ack(held).await.unwrap());
    assert!(!queue.ack(held).await.unwrap());
    assert!(!queue.nack(held, Duration::ZERO).await.unwrap());
    assert!(!queue.heartbeat(held, LONG).await.unwrap());
    assert_eq!(claim(&*queue, LONG).await, None);
}

pub async fn a_returned_entry_is_ready_again_in_its_place<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1, 2]).await;
    let held = claim(&*queue, LONG).await.unwrap();
    assert!(queue.nack(held, Duration::ZERO).await.unwrap());
    let again = claim(&*queue, LONG).await.unwrap();
    assert_eq!((again.job_id, again.deliveries), (held.job_id, 2));
    assert_ne!(again.lease, held.lease);
}

pub async fn a_returned_entry_waits_for_its_delay<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1, 2]).await;
    let held = claim(&*queue, LONG).await.unwrap();
    assert!(queue.nack(held, LONG).await.unwrap());
    assert_eq!(claim(&*queue, LONG).await.unwrap().job_id, ticket(2).job_id);
    assert_eq!(claim(&*queue, LONG).await, None);
    enqueue(&*queue, [1]).await;
    assert_eq!(claim(&*queue, LONG).await, None, "enqueueing again does not shorten the delay");
}

pub async fn a_returned_lease_is_lost<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1]).await;
    let held = claim(&*queue, LONG).await.unwrap();
    queue.nack(held, Duration::ZERO).await.unwrap();
    assert!(!queue.heartbeat(held, LONG).await.unwrap());
    assert!(!queue.nack(held, LONG).await.unwrap());
    assert!(!queue.ack(held).await.unwrap());
    assert_eq!(depth(&*queue).await, (1, 0, 0));
}

pub async fn durations_without_end_are_taken<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1]).await;
    let held = claim(&*queue, Duration::MAX).await.unwrap();
    assert!(queue.heartbeat(held, Duration::MAX).await.unwrap());
    assert_eq!(depth(&*queue).await, (0, 0, 1));
    assert!(queue.nack(held, Duration::MAX).await.unwrap());
    assert_eq!(depth(&*queue).await, (0, 1, 0));
}

pub async fn depth_counts_ready_delayed_and_claimed<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, 0..6).await;
    assert_eq!(depth(&*queue).await, (6, 0, 0));
    let delayed = claim(&*queue, LONG).await.unwrap();
    let done = claim(&*queue, LONG).await.unwrap();
    claim(&*queue, LONG).await.unwrap();
    assert_eq!(depth(&*queue).await, (3, 0, 3));
    queue.nack(delayed, LONG).await.unwrap();
    queue.ack(done).await.unwrap();
    assert_eq!(depth(&*queue).await, (3, 1, 1));
    claim(&*queue, Duration::ZERO).await.unwrap();
    assert_eq!(depth(&*queue).await, (3, 1, 1), "an ended lease is ready");
}

pub async fn depth_says_how_long_the_oldest_has_been_ready<Q: JobQueue>(queue: Arc<Q>) {
    assert_eq!(queue.depth().await.unwrap().oldest_ready, None);
    enqueue(&*queue, [1]).await;
    let age = queue.depth().await.unwrap().oldest_ready.unwrap();
    assert!(age < LONG, "{age:?}");
    claim(&*queue, LONG).await.unwrap();
    assert_eq!(queue.depth().await.unwrap().oldest_ready, None, "a claimed entry is not ready");
}

pub async fn a_buried_entry_is_kept_and_never_handed_out<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1, 2]).await;
    let held = claim(&*queue, LONG).await.unwrap();
    assert!(queue.bury(held).await.unwrap());
    assert_eq!(claim(&*queue, LONG).await.unwrap().job_id, ticket(2).job_id);
    assert_eq!(claim(&*queue, LONG).await, None);
    assert_eq!((depth(&*queue).await, queue.depth().await.unwrap().dead), ((0, 0, 1), 1));
    for gone in [queue.ack(held), queue.nack(held, Duration::ZERO), queue.bury(held)] {
        assert!(!gone.await.unwrap());
    }
}

pub async fn a_buried_job_may_come_again<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1]).await;
    let held = claim(&*queue, LONG).await.unwrap();
    queue.bury(held).await.unwrap();
    enqueue(&*queue, [1]).await;
    assert_eq!((depth(&*queue).await, queue.depth().await.unwrap().dead), ((1, 0, 0), 0));
    let again = claim(&*queue, LONG).await.unwrap();
    assert_eq!((again.job_id, again.deliveries), (ticket(1).job_id, 1));
}

pub async fn a_buried_job_comes_again_at_the_place_that_it_asks_for<Q: JobQueue>(queue: Arc<Q>) {
    queue.enqueue(Ticket { priority: Priority::Low, ..ticket(1) }).await.unwrap();
    let held = claim(&*queue, LONG).await.unwrap();
    queue.bury(held).await.unwrap();
    enqueue(&*queue, [2]).await;
    queue.enqueue(Ticket { priority: Priority::High, ..ticket(1) }).await.unwrap();
    for n in [1, 2] {
        assert_eq!(claim(&*queue, LONG).await.unwrap().job_id, ticket(n).job_id);
    }
}

pub async fn a_lost_lease_buries_nothing<Q: JobQueue>(queue: Arc<Q>) {
    enqueue(&*queue, [1]).await;
    let old = claim(&*queue, Duration::ZERO).await.unwrap();
    let new = claim(&*queue, LONG).await.unwrap();
    assert!(!queue.bury(old).await.unwrap());
    assert_eq!(queue.depth().await.unwrap().dead, 0);
    assert!(queue.ack(new).await.unwrap());
}

pub async fn waiting_ends_in_time<Q: JobQueue>(queue: Arc<Q>) {
    let waiting = queue.wait(Duration::from_millis(20));
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
}

pub async fn waiting_ends_early_or_the_entry_is_there_after_it<Q: JobQueue>(queue: Arc<Q>) {
    let worker = queue.clone();
    let waiting = tokio::spawn(async move {
        loop {
            if let Some(claim) = claim(&*worker, LONG).await {
                return claim;
            }
            worker.wait(Duration::from_millis(200)).await;
        }
    });
    enqueue(&*queue, [1]).await;
    let claim = tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap().unwrap();
    assert_eq!(claim.job_id, ticket(1).job_id);
}
