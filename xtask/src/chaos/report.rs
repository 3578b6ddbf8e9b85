//! What is printed in the end.

use std::fs;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::clients::Clients;
use super::scene::{ALL_POINTS, API, API_STARTS, REDIS, Scene, VICTIMS, WORKER, WORKER_STARTS};
use super::service::Shared;
use super::verdict::Verdict;

impl Scene<'_> {
    pub(super) fn report(
        &self,
        verdict: &Verdict,
        clients: &Clients,
        shared: &Shared,
        orphans: usize,
        took: Duration,
    ) -> String {
        let Verdict { lost, doubled, failed, undead, .. } = verdict;
        let named = [("lost", lost), ("doubled", doubled), ("failed", failed), ("not deleted", undead)];
        let named = named.into_iter().flat_map(|(what, tasks)| {
            tasks.iter().map(move |(task, how)| format!("  {what}: {task} {how}\n"))
        });
        format!(
            "chaos on {}, seed {}: lost {}, doubled {}\n  uploads: accepted {}, refused {}, unanswered {} (of which \
             kept {})\n  deleted {}, not deleted though answered {}; blobs that nothing names {}\n  tasks: succeeded {}, failed {}, most attempts {}; {} were seen to end while all was killed\n  \
             kills: {}\n  between steps: {}\n  ended otherwise: {}\n{}  at rest {:.1} s after the last kill, with {} \
             in the queue and {orphans} processes left over; {:.0} s in all\n{}",
            self.stores(),
            self.seed,
            lost.len(),
            doubled.len(),
            clients.accepted().len(),
            clients.refused.load(Ordering::Relaxed),
            clients.unanswered.load(Ordering::Relaxed),
            verdict.unasked,
            verdict.deleted,
            undead.len(),
            if self.looks_for_blobs() { verdict.orphans.len().to_string() } else { "not looked for".into() },
            verdict.succeeded,
            failed.len(),
            verdict.most_attempts,
            verdict.witnessed,
            shared.tally.show(&VICTIMS),
            shared.tally.show(ALL_POINTS),
            shared.tally.show(&["crashed", "gave up"]),
            self.versions_report(shared),
            verdict.settled_after.as_secs_f64(),
            verdict.queued,
            took.as_secs_f64(),
            named.collect::<String>(),
        )
    }

    fn stores(&self) -> String {
        let scheme = |url: &Option<String>, other: &str| {
            url.as_ref().and_then(|url| url.split(':').next()).unwrap_or(other).to_owned()
        };
        self.args.stores.clone().unwrap_or_else(|| {
            let queue = scheme(&self.args.queue, REDIS);
            format!(
                "{queue} + {} + {}",
                scheme(&self.args.metadata, "sqlite"),
                scheme(&self.args.storage, "file")
            )
        })
    }

    /// What each version did, from its own log.
    fn versions_report(&self, shared: &Shared) -> String {
        if self.previous().is_none() {
            return String::new();
        }
        let done = |kind: &str, version: &str, what: &str| -> usize {
            let log = |n| fs::read_to_string(shared.logs.join(format!("{kind}-{n}-{version}.log")));
            let logs = (1..=self.args.workers + 1).filter_map(|n| log(n).ok());
            logs.map(|log| log.lines().filter(|line| line.contains(what)).count()).sum()
        };
        let each = |kind, what| ["this", "before"].map(|version| done(kind, version, what));
        let ([accepted, accepted_before], [jobs, jobs_before]) =
            (each(API, " accepted "), each(WORKER, " job done "));
        format!(
            "  starts: {}\n  accepted by this version {accepted}, by the one before {accepted_before}; jobs done by \
             this version {jobs}, by the one before {jobs_before}\n",
            shared.tally.show(&[API_STARTS, WORKER_STARTS].concat()),
        )
    }
}
