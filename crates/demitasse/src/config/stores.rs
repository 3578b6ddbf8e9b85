//! Which backends the flags name, and whether they fit the role of this process.

use std::path::{Path, PathBuf};

use demitasse_backends::{AdoptDefaults, BackendUrls};

use super::DataArgs;
use super::original::OriginalArgs;

/// What this process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// API, UI and workers: `serve`.
    AllInOne,
    /// API and UI: `serve --workers 0`.
    Api,
    /// Workers: `worker`.
    Worker,
}

/// The URLs of the backends: as given, else what the original's variables name, else embedded in the data directory.
pub(super) fn urls(data: &DataArgs, original: &OriginalArgs, public_url: Option<String>) -> BackendUrls {
    let within = |scheme: &str, name: &str| format!("{scheme}:{}", data.data.join(name).display());
    let given = |flag: &Option<String>, variables: Option<String>| flag.clone().or(variables);
    let metadata = given(&data.metadata, original.metadata());
    let queue = given(&data.queue, original.redis()).unwrap_or_else(|| "metadata".into());
    // News cross processes where the jobs do.
    let events = data.events.clone().unwrap_or_else(|| match scheme(&queue) {
        "redis" | "rediss" => queue.clone(),
        _ => "memory:".into(),
    });
    let mut storage = given(&data.storage, original.storage()).unwrap_or_else(|| within("file", "blobs"));
    if let Some(prefix) = data.accel_prefix.as_ref().filter(|_| storage.starts_with("file:")) {
        storage = format!("{storage}?accel={prefix}");
    }
    BackendUrls {
        metadata: metadata.unwrap_or_else(|| within("sqlite", "demitasse.db")),
        queue,
        events,
        storage,
        public_url,
        adopt: AdoptDefaults::default(),
        original: None,
    }
}

/// Why the backends cannot serve a process of this role, one sentence each.
pub(super) fn problems(urls: &BackendUrls, role: Role) -> Vec<String> {
    let mut problems = Vec::new();
    if role != Role::Worker {
        return problems;
    }
    let own = [
        (
            "--metadata",
            &urls.metadata,
            ["sqlite", "memory"],
            "serves one process on one machine",
            "postgres://.. or mongodb://..",
        ),
        (
            "--storage",
            &urls.storage,
            ["file", "memory"],
            "is seen by one process only",
            "s3://.. or cloudinary://..",
        ),
        (
            "--queue",
            &urls.queue,
            ["memory", "memory"],
            "is seen by one process only",
            "redis://.. or metadata",
        ),
    ];
    for (flag, url, embedded, why, instead) in own {
        if embedded.contains(&scheme(url)) {
            problems.push(format!(
                "a worker shares its stores with the API, and {flag} {}: {why}; give both {flag} {instead}, or let \
                 `demitasse serve` do the work itself",
                scheme(url)
            ));
        }
    }
    problems
}

/// What works, but probably not as meant; for the log.
pub(super) fn warnings(urls: &BackendUrls, role: Role) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if role != Role::AllInOne && scheme(&urls.events) == "memory" {
        warnings.push(
            "events stay in this process: pages show results of other processes only when they are loaded again; give \
             all of them --events redis://..",
        );
    }
    if role == Role::Api && matches!(scheme(&urls.metadata), "sqlite" | "memory") {
        warnings.push(
            "no worker of another process can reach these stores: uploads wait until this server has workers",
        );
    }
    warnings
}

/// The directories of this machine that grow: the spool's, and those of embedded stores.
pub(super) fn disks(urls: &BackendUrls, data: &Path) -> Vec<PathBuf> {
    let mut disks = vec![data.to_owned()];
    if let Some(images) = urls.storage.strip_prefix("file:") {
        let dir = images.rsplit_once("?accel=").map_or(images, |(dir, _)| dir);
        disks.push(dir.into());
    }
    let database = urls.metadata.strip_prefix("sqlite:").and_then(|path| Path::new(path).parent());
    disks.extend(database.map(Path::to_owned));
    disks.sort();
    disks.dedup();
    disks
}

/// What stands before the colon; never a secret.
pub(super) fn scheme(url: &str) -> &str {
    url.split_once(':').map_or(url, |(scheme, _)| scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(metadata: &str, queue: &str, storage: &str) -> BackendUrls {
        BackendUrls {
            metadata: metadata.into(),
            queue: queue.into(),
            events: "memory:".into(),
            storage: storage.into(),
            public_url: None,
            adopt: AdoptDefaults::default(),
            original: None,
        }
    }

    #[test]
    fn a_worker_on_stores_of_one_process_is_refused_with_a_sentence_for_each() {
        let embedded = urls("sqlite:a.db", "memory:", "file:blobs");
        let problems = problems(&embedded, Role::Worker);
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].contains("--metadata postgres://"), "{}", problems[0]);
    }

    #[test]
    fn the_disks_are_those_of_the_spool_and_of_embedded_stores() {
        let data = Path::new("data");
        let own = urls("sqlite:data/demitasse.db", "metadata", "file:/big/blobs?accel=/_blobs");
        assert_eq!(disks(&own, data), ["/big/blobs", "data"].map(PathBuf::from));
        let shared = urls("postgres://db/x", "redis://r", "s3://bucket");
        assert_eq!(disks(&shared, data), [PathBuf::from("data")]);
    }

    #[test]
    fn shared_stores_suit_every_role_and_passwords_are_not_repeated() {
        let shared = urls("postgres://me:secret@db/x", "redis://r", "s3://bucket");
        for role in [Role::AllInOne, Role::Api, Role::Worker] {
            assert_eq!(problems(&shared, role), Vec::<String>::new());
        }
        let half = urls("postgres://me:secret@db/x", "metadata", "file:blobs");
        let said = problems(&half, Role::Worker).concat();
        assert!(said.contains("--storage") && !said.contains("secret"), "{said}");
    }
}
