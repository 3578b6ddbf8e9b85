//! Compares what clients were promised with what the server shows once it is at rest. Asks nobody: `rest` does.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::clients::Accepted;
use super::witness::Ending;

/// What became of the uploads.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) succeeded: usize,
    /// Why, by task.
    pub(super) failed: BTreeMap<String, String>,
    /// Accepted, and unknown, unlisted, unfinished, or without the bytes that its receipt describes.
    pub(super) lost: BTreeMap<String, String>,
    /// More than one row or result for one upload.
    pub(super) doubled: BTreeMap<String, String>,
    /// Accepted, deleted, and gone.
    pub(super) deleted: usize,
    /// Deleted, which was answered, and there still.
    pub(super) undead: BTreeMap<String, String>,
    /// Blobs that no row names and no sweep removes.
    pub(super) orphans: Vec<String>,
    /// Rows of uploads that were not answered: kept, and worked on as well.
    pub(super) unasked: usize,
    /// Ends that were seen while everything was killed.
    pub(super) witnessed: usize,
    pub(super) most_attempts: u64,
    /// From the last kill until the last task had ended.
    pub(super) settled_after: Duration,
    /// Left in the queue.
    pub(super) queued: u64,
}

/// What the server shows of one accepted upload.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    /// Its rows in the list of images.
    pub(super) rows: Vec<&'a Value>,
    /// Its task, read after the rows, if the server knows it.
    pub(super) task: Option<Value>,
    /// What is wrong with the bytes of a result.
    pub(super) bytes: Result<(), String>,
}

impl Verdict {
    /// A failed task has ended, but these pictures can be compressed.
    pub(super) fn is_good(&self) -> bool {
        let none =
            [&self.lost, &self.doubled, &self.failed, &self.undead].iter().all(|tasks| tasks.is_empty());
        none && self.orphans.is_empty() && self.queued == 0
    }

    pub(super) fn look_at(&mut self, upload: &Accepted, shown: &Shown<'_>) {
        let id = || upload.task.clone();
        if let Some(how) = doubled(shown) {
            self.doubled.insert(id(), how);
        }
        if let Some(how) = lost(upload, shown) {
            self.lost.insert(id(), how);
            return;
        }
        let Some(task) = &shown.task else { return };
        self.most_attempts = self.most_attempts.max(task["attempt"].as_u64().unwrap_or_default());
        match text(&task["status"]) {
            "failed" => drop(self.failed.insert(id(), task["error"].to_string())),
            _ => self.succeeded += 1,
        }
    }

    /// Each attempt to upload has a name of its own, whether it was answered or not.
    pub(super) fn look_for_namesakes(&mut self, rows: &[Value]) {
        let mut tasks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for row in rows {
            tasks.entry(text(&row["file_name"])).or_default().push(text(&row["task_id"]));
        }
        for (name, tasks) in tasks.into_iter().filter(|(_, tasks)| tasks.len() > 1) {
            let Some(first) = tasks.first() else { continue };
            let how = format!("is one of {} rows of the upload {name}", tasks.len());
            self.doubled.entry((*first).to_owned()).or_insert(how);
        }
    }
}

fn doubled(shown: &Shown<'_>) -> Option<String> {
    if shown.rows.len() > 1 {
        return Some(format!("has {} rows", shown.rows.len()));
    }
    let task = Ending::of(&shown.task.as_ref()?["image"]);
    let row = shown.rows.iter().filter_map(|row| Ending::of(row)).find(|row| task.as_ref() != Some(row))?;
    Some(format!("shows two results: {row} in the list, and another by itself"))
}

fn lost(upload: &Accepted, shown: &Shown<'_>) -> Option<String> {
    let Some(task) = &shown.task else { return Some("is unknown".into()) };
    let image = &task["image"];
    match text(&task["status"]) {
        _ if shown.rows.is_empty() => Some("is not listed".into()),
        _ if text(&image["file_name"]) != upload.file_name => {
            Some("shows the image of another upload".into())
        }
        _ if text(&image["original"]["sha256"]) != upload.sha256 => {
            Some("shows other bytes as uploaded".into())
        }
        "succeeded" => shown.bytes.clone().err(),
        "failed" => None,
        state => Some(format!("is still {state}")),
    }
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn upload() -> Accepted {
        Accepted { task: "t".into(), file_name: "cup".into(), sha256: "in".into() }
    }

    fn row(status: &str, variant: &str) -> Value {
        json!({
            "task_id": "t", "file_name": "cup", "status": status, "original": { "sha256": "in" },
            "variant": (status == "succeeded").then(|| json!({ "sha256": variant })),
        })
    }

    fn task(status: &str, variant: &str) -> Value {
        json!({ "id": "t", "status": status, "attempt": 3, "image": row(status, variant), "error": "why" })
    }

    fn verdict(rows: &[Value], task: Option<Value>, bytes: Result<(), String>) -> Verdict {
        let mut verdict = Verdict::default();
        verdict.look_at(&upload(), &Shown { rows: rows.iter().collect(), task, bytes });
        verdict
    }

    /// How many succeeded, failed, were lost, were doubled.
    fn counts(verdict: &Verdict) -> [usize; 4] {
        [verdict.succeeded, verdict.failed.len(), verdict.lost.len(), verdict.doubled.len()]
    }

    #[test]
    fn one_row_with_one_result_is_good() {
        let good = verdict(&[row("succeeded", "out")], Some(task("succeeded", "out")), Ok(()));
        assert_eq!(counts(&good), [1, 0, 0, 0]);
        assert_eq!(good.most_attempts, 3);
        assert!(good.is_good());
        assert!(!Verdict { queued: 1, ..Verdict::default() }.is_good());
        assert!(!Verdict { orphans: vec!["blob".into()], ..Verdict::default() }.is_good());
        let undead = [("t".to_owned(), "is there still".to_owned())].into();
        assert!(!Verdict { undead, ..Verdict::default() }.is_good());
    }

    #[test]
    fn what_was_accepted_and_has_no_whole_result_is_lost() {
        let rows = [row("succeeded", "out")];
        let changed = |pointer: &str| {
            let mut task = task("succeeded", "out");
            *task.pointer_mut(pointer).unwrap() = "another".into();
            Some(task)
        };
        let unread = Err("the bytes hash to another".to_owned());
        for (rows, task, bytes) in [
            (&rows[..], None, Ok(())),
            (&[], Some(task("succeeded", "out")), Ok(())),
            (&rows, changed("/image/file_name"), Ok(())),
            (&rows, changed("/image/original/sha256"), Ok(())),
            (&rows, Some(task("succeeded", "out")), unread),
            (&[row("queued", "")], Some(task("queued", "")), Ok(())),
            (&[row("running", "")], Some(task("retrying", "")), Ok(())),
            (&[row("cancelled", "")], Some(task("cancelled", "")), Ok(())),
        ] {
            let found = verdict(rows, task.clone(), bytes);
            assert_eq!(counts(&found), [0, 0, 1, 0], "{rows:?} {task:?}");
            assert!(!found.is_good());
        }
    }

    #[test]
    fn a_second_row_or_a_second_result_is_doubled() {
        let one = row("succeeded", "out");
        let mine = || Some(task("succeeded", "out"));
        for rows in [vec![one.clone(), one.clone()], vec![row("succeeded", "other")], vec![row("failed", "")]]
        {
            let found = verdict(&rows, mine(), Ok(()));
            assert_eq!(counts(&found), [1, 0, 0, 1], "{rows:?}");
            assert!(!found.is_good());
        }
        let ended_meanwhile = verdict(&[row("running", "")], mine(), Ok(()));
        assert_eq!(counts(&ended_meanwhile), [1, 0, 0, 0]);
    }

    #[test]
    fn a_failure_has_ended_and_is_not_good() {
        let failed = verdict(&[row("failed", "")], Some(task("failed", "")), Ok(()));
        assert_eq!(counts(&failed), [0, 1, 0, 0]);
        assert!(!failed.is_good());
    }

    #[test]
    fn two_rows_of_one_upload_are_doubled_whether_it_was_answered_or_not() {
        let named = |task: &str, name: &str| json!({ "task_id": task, "file_name": name });
        let mut verdict = Verdict::default();
        verdict.look_for_namesakes(&[named("a", "cup"), named("b", "pot")]);
        assert!(verdict.is_good());
        verdict.look_for_namesakes(&[named("a", "cup"), named("b", "pot"), named("c", "cup")]);
        assert_eq!(verdict.doubled.len(), 1);
    }
}
