//! How much memory this process may have at most: what its control groups allow, or what the machine has.

use std::path::Path;

/// In bytes; `None` where the system does not tell.
pub(super) fn memory() -> Option<u64> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let machine = std::fs::read_to_string("/proc/meminfo").ok().as_deref().and_then(total);
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok();
    let allowed = groups.and_then(|groups| allowed(Path::new("/sys/fs/cgroup"), &groups));
    machine.into_iter().chain(allowed).min()
}

/// `MemTotal` (`proc_meminfo(5)`), in bytes.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The tightest limit of the groups that `groups` names (`/proc/self/cgroup`, `cgroups(7)`) and of those around them, whose
/// files are below `root`; `None` if there is none. A container sees its own group as the root, or by its name outside, which
/// then is not there: the root is asked in any case.
fn allowed(root: &Path, groups: &str) -> Option<u64> {
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, group) = (parts.next()?, parts.next()?, parts.next()?);
        let (root, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => return None,
        };
        let group = Path::new(group.trim_start_matches('/'));
        group.ancestors().filter_map(|group| limit(&root.join(group).join(file))).min()
    });
    limits.min()
}

/// The number in the file; `max`, or no such file, is no limit.
fn limit(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of groups: each file and what stands in it.
    fn groups(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (file, content) in files {
            let file = root.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, content).unwrap();
        }
        root
    }

    #[test]
    fn the_tightest_group_around_a_process_counts() {
        let root = groups(&[
            ("system.slice/memory.max", "4000\n"),
            ("system.slice/demitasse.service/memory.max", "max\n"),
            ("other.slice/memory.max", "10\n"),
        ]);
        assert_eq!(allowed(root.path(), "0::/system.slice/demitasse.service\n"), Some(4000));
        assert_eq!(allowed(root.path(), "0::/user.slice\n"), None);
        assert_eq!(allowed(root.path(), ""), None);
    }

    #[test]
    fn a_container_has_its_limit_at_the_root_whatever_its_group_is_called() {
        let root = groups(&[("memory.max", "512000\n")]);
        for groups in ["0::/\n", "0::/docker/1f3a\n"] {
            assert_eq!(allowed(root.path(), groups), Some(512_000), "{groups}");
        }
    }

    #[test]
    fn the_older_groups_are_asked_where_they_are() {
        let root = groups(&[("memory/a/memory.limit_in_bytes", "7000"), ("memory.max", "1")]);
        let groups = "5:cpu,cpuacct:/a\n4:memory:/a/b\n";
        assert_eq!(allowed(root.path(), groups), Some(7000));
    }

    #[test]
    fn the_machine_says_what_it_has_in_kibibytes() {
        assert_eq!(total("MemTotal:       16384 kB\nMemFree:  1 kB\n"), Some(16_777_216));
        assert_eq!(total("MemFree: 1 kB\n"), None);
    }
}
