//! Which processes are this worker's.

use crate::devices::reading::Program;
use std::{fs, os::unix::process::parent_id};

/// The outermost namespace of process ids, as the system always calls it.
const OUTERMOST: &str = "pid:[4026531836]";
/// Bytes of a program's name that are kept.
const NAME_BYTES: usize = 64;

/// Tells the worker's processes from others.
///
/// The library numbers processes as the machine itself does. In a container, where numbers are
/// others, nobody can be told apart, unless one of the worker's own is seen under its number.
#[derive(Default)]
pub(super) struct Programs {
    own_seen: bool,
}

impl Programs {
    /// Those that are not this worker's; `None` if that can't be known.
    pub(super) fn others(&mut self, pids: &[u32]) -> Option<Vec<u32>> {
        let (own, others): (Vec<u32>, Vec<u32>) = pids.iter().partition(|pid| is_own(**pid));
        self.own_seen |= !own.is_empty();
        (self.own_seen || is_outermost()).then_some(others)
    }
}

fn is_outermost() -> bool {
    fs::read_link("/proc/self/ns/pid").is_ok_and(|name| name.as_os_str() == OUTERMOST)
}

/// Whether it is the worker, which started this process, or another process that it started.
fn is_own(pid: u32) -> bool {
    let worker = parent_id();
    pid == worker || parent_of(pid) == Some(worker)
}

/// The process that started it; `None` if it is gone.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Behind the name, which may have any characters: the state, then the parent.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

impl Program {
    /// A process by its number.
    pub(super) fn of(pid: u32) -> Self {
        let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
        let name = &name[..name.len().min(NAME_BYTES)];
        let name = String::from_utf8_lossy(name);
        // It goes to terminals and logs.
        let name = name.trim_end().chars().filter(|c| !c.is_control());
        Self {
            pid,
            name: name.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_and_what_it_started_are_own_and_nobody_else() {
        assert!(is_own(parent_id()));
        assert!(is_own(std::process::id()));
        assert!(!is_own(1) || parent_id() == 1);
        assert!(!is_own(u32::MAX));
    }

    #[test]
    fn others_are_known_once_an_own_process_is_seen() {
        let mut programs = Programs { own_seen: true };
        let own = std::process::id();
        assert_eq!(programs.others(&[own, u32::MAX]), Some(vec![u32::MAX]));
        let mut programs = Programs::default();
        programs.others(&[own]);
        assert!(programs.own_seen);
    }

    #[test]
    fn a_process_is_called_as_the_system_calls_it() {
        let itself = Program::of(std::process::id());
        assert!(!itself.name.is_empty() && !itself.name.contains('\n'));
        assert_eq!(Program::of(u32::MAX).name, "");
    }
}
