//! What an author gains that knows in advance which slots are his, and why draws wait for a slot and
//! not for a number of blocks.
//!
//! In BABE an author knows its slots of an epoch when the epoch begins, and the random number of
//! each. Nobody knows the numbers of others. So the beacon of a block can be foretold across a
//! run of one's own slots, and no further: the block of anyone else makes it anew.
//!
//! Were the delay of a draw counted in *blocks*, an attacker with that knowledge would withhold
//! *earlier* blocks, too. Each moves the deciding block
//! one slot back, until it falls into a run of his own slots. And in a run he picks from all
//! choices of blocks to publish whose last one decides. Who also chooses the block of the subject,
//! by attesting when it suits him, need not withhold anything to have his own slot decide.
//!
//! The chain counts it in *slots*, so nothing can be moved: see [`Foresight::on_slots`]. And it waits
//! for longer than anybody knows slots, so nobody chooses the block of the subject by them.

/// Who authors each of the coming slots: true where it is the attacker.
pub type Schedule<'a> = &'a [bool];

/// A draw that the attacker can foretell within his own slots.
#[derive(Clone, Copy, Debug)]
pub struct Foresight {
    /// `q`: the draw is bad for him.
    pub bad: f64,
    /// What is left of `q` from a slot on that is beyond his knowledge.
    pub beyond: f64,
    /// `D`: blocks, or slots, from the subject of the draw to what decides it, at least one.
    pub delay: usize,
}

/// Probabilities that the draw is bad, by the number of blocks that come before the deciding one.
#[derive(Clone)]
struct Known {
    /// From the first known slot on.
    now: Vec<f64>,
    /// From the first slot after the attacker's run, if the schedule begins with one.
    after_run: Vec<f64>,
    /// The length of that run.
    run: usize,
}

impl Foresight {
    /// The probability that the draw is bad at last if the delay is counted in blocks, on a schedule
    /// that begins with the slot after the subject's.
    pub fn on(&self, schedule: Schedule) -> f64 {
        let begin = self.unknown();
        let known = schedule
            .iter()
            .rev()
            .fold(begin, |known, own| self.before(&known, *own));
        known.now[self.delay - 1]
    }

    /// The average over all schedules of that many slots, of which the attacker has the share
    /// `slots`.
    pub fn average(&self, slots: f64, known_slots: usize) -> f64 {
        self.average_before(&self.unknown(), slots, known_slots)
    }

    /// The same if the delay is counted in slots, as the chain does, so that the first block from slot `D` on
    /// decides. Blocks before it move nothing; those right before it still change its number.
    pub fn on_slots(&self, schedule: Schedule) -> f64 {
        let (before, from) = schedule.split_at((self.delay - 1).min(schedule.len()));
        let length = |own: usize| i32::try_from(own).unwrap_or(i32::MAX);
        let right_before = before.iter().rev().take_while(|own| **own).count();
        let run = from.iter().take_while(|own| **own).count();
        let after = if run < from.len() {
            self.bad
        } else {
            self.beyond
        };
        let known = 2f64.powi(length(right_before)) * run as f64;
        self.bad.powf(known) * after
    }

    fn average_before(&self, known: &Known, slots: f64, more: usize) -> f64 {
        if more == 0 {
            return known.now[self.delay - 1];
        }
        let with = |own| self.average_before(&self.before(known, own), slots, more - 1);
        slots * with(true) + (1.0 - slots) * with(false)
    }

    fn unknown(&self) -> Known {
        let beyond = vec![self.beyond; self.delay];
        Known {
            now: beyond.clone(),
            after_run: beyond,
            run: 0,
        }
    }

    /// Puts a slot before the known ones.
    fn before(&self, known: &Known, own: bool) -> Known {
        if own {
            let run = known.run + 1;
            let now = (0..self.delay).map(|left| self.in_run(known, run, left));
            Known {
                now: now.collect(),
                after_run: known.after_run.clone(),
                run,
            }
        } else {
            let mut now = vec![self.bad];
            now.extend(&known.now[..self.delay - 1]);
            Known {
                after_run: now.clone(),
                now,
                run: 0,
            }
        }
    }

    /// A run of the attacker's slots begins. Each choice of blocks to publish whose last one
    /// decides is a draw of its own, and he knows them all. If all are bad, he publishes as many
    /// blocks as make what follows best for him.
    fn in_run(&self, known: &Known, run: usize, left: usize) -> f64 {
        let published = 0..=left.min(run);
        let after = published.map(|blocks| known.after_run[left - blocks]);
        let all_bad = self.bad.powf(choices(run, left + 1));
        all_bad * after.fold(f64::INFINITY, f64::min)
    }
}

/// In how many ways `blocks` of the slots of a run can be published.
fn choices(run: usize, blocks: usize) -> f64 {
    if blocks > run {
        return 0.0;
    }
    (0..blocks).fold(1.0, |ways, k| ways * (run - k) as f64 / (k + 1) as f64)
}
