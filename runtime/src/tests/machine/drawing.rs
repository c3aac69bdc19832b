//! The model's draws: which results are audited, and by whom.
//!
//! A draw follows from the beacon's output of the first block at or after its slot, which the model
//! finds by looking at all blocks, and from the auditors' free bonds.

use super::audits::{AtWork, DrawnSet, Duty, Stage};
use super::market::{periods, Assignment, Market, Who, ACTORS, PROGRAMS};
use super::money::{audit_lock, AUDITED, FOLLOWED};
use super::results::Work;
use codec::Encode;
use mizan_protocol::{explain::Rule, jobs::AuditScope, Slot};
use pallet_disputes::{DrawReason, PendingDraw};
use polkadot_sdk::*;
use sp_core::H256;
use sp_io::hashing::{blake2_256, twox_64};

/// How often it is tried to hit an auditor who may have the job.
const TRIES: u32 = 16;

impl Market {
    /// A draw about something in this block.
    pub(super) fn draw_later(&self, reason: DrawReason, scope: AuditScope, ordered: bool) -> Stage {
        Stage::Waits(PendingDraw {
            slot: self.slot() + Slot::from(periods::DRAW_DELAY),
            reason,
            scope,
            ordered,
        })
    }

    /// Makes the draws that finished blocks decide, by their slots. Within a slot the chain goes by
    /// the hashes of the ids.
    pub(super) fn make_draws(&mut self) {
        let cases = self.cases.iter();
        let waiting = cases.filter_map(|(id, case)| match case.audit.stage {
            Stage::Waits(draw) => Some((draw.slot, twox_64(&id.to_le_bytes()), *id, draw)),
            Stage::Open(_) | Stage::Done => None,
        });
        let decided = waiting.filter(|(slot, ..)| self.first_since(*slot).is_some());
        let mut decided: Vec<_> = decided.collect();
        decided.sort_by_key(|(slot, hash, id, _)| (*slot, *hash, *id));
        for (_, _, id, draw) in decided {
            self.draw(id, draw);
            self.look_again(id);
        }
    }

    fn draw(&mut self, id: u64, draw: PendingDraw) {
        let block = self.first_since(draw.slot).expect("it is decided");
        let beacon = self.outputs[&block];
        let (given, work) = self.claimed(id).expect("it is claimed");
        if self.auditors.is_empty() || !is_hit(beacon, id, draw.reason) {
            self.conclude_audits(id);
            return;
        }
        let lock = audit_lock(given.payment);
        // Who audits is decided by the newest output: the same, unless the draw is late.
        let beacon = self.beacon();
        let Some(auditor) = self.drawn_auditor(id, &given, beacon, lock) else {
            if draw.reason == DrawReason::Passed {
                self.conclude_audits(id);
                return;
            }
            let rule = Rule::AuditMissed {
                auditor: None,
                withheld: false,
                burned: 0,
            };
            self.note(id, rule);
            self.draw_again(id, draw.scope, draw.ordered);
            return;
        };
        let duration = self.jobs[&id].offer.duration;
        let verdict_by = self.time_after(verdict_blocks(work, draw.scope, duration));
        let scope = draw.scope;
        self.lock_auditor(auditor, lock);
        let rule = Rule::AuditorDrawn {
            auditor,
            scope,
            lock,
            verdict_by_time: verdict_by,
        };
        self.note(id, rule);
        let name = ACTORS[auditor].to_raw_public();
        let seed = H256(blake2_256(&(b"mizan draw", beacon, id, name).encode()));
        let audit = &mut self.case_mut(id).audit;
        audit.drawn.push(auditor);
        audit.stage = Stage::Open(AtWork {
            duty: Duty {
                auditor,
                lock,
                set: DrawnSet { scope, seed },
                ordered: draw.ordered,
            },
            verdict_by,
            answered: 0,
        });
    }

    /// The first that is hit, who has no part in the job, was not drawn for it before, and has the
    /// bond. Each is hit as often as its free bond says.
    fn drawn_auditor(
        &self,
        id: u64,
        given: &Assignment,
        beacon: [u8; 32],
        lock: u128,
    ) -> Option<Who> {
        let all: u128 = self
            .auditors
            .iter()
            .map(|auditor| auditor.free_bond())
            .sum();
        let parties = [self.jobs[&id].requester, given.worker, given.provider];
        let drawn = &self.cases[&id].audit.drawn;
        let hit = |attempt: u32| {
            let hash = blake2_256(&(b"mizan auditor", beacon, id, attempt).encode());
            let number = u128::from_le_bytes(hash[..16].try_into().expect("it is long enough"));
            let mut point = number.checked_rem(all)?;
            self.auditors.iter().find(|auditor| {
                let is_hit = point < auditor.free_bond();
                point = point.wrapping_sub(auditor.free_bond());
                is_hit
            })
        };
        let may = |who| !parties.contains(&who) && !drawn.contains(&who);
        let hits = (0..TRIES).filter_map(hit);
        let mut fitting = hits.filter(|auditor| may(auditor.who) && auditor.covers(lock));
        fitting.next().map(|auditor| auditor.who)
    }
}

/// Whether an auditor is drawn at all.
fn is_hit(beacon: [u8; 32], id: u64, reason: DrawReason) -> bool {
    let percent = match reason {
        DrawReason::Claimed => AUDITED,
        DrawReason::Passed => FOLLOWED,
        DrawReason::Certain => 100,
    };
    let hash = blake2_256(&(b"mizan audit", beacon, id).encode());
    let number = u32::from_le_bytes(hash[..4].try_into().expect("it is long enough"));
    u128::from(number) * 100 < percent << 32
}

/// How long an auditor has: three million bytes are fetched in a block's time, and whoever audits
/// all of a job has its duration as well. What is sampled of these programs is less than that.
fn verdict_blocks(work: Work, scope: AuditScope, duration: u32) -> u32 {
    let facts = &PROGRAMS[work.model];
    match scope {
        AuditScope::Sampled => periods::AUDIT + 1,
        AuditScope::Full => {
            let parameters = facts.parameter_bytes.iter().sum::<u64>();
            let bytes = facts.item_bytes() * u64::from(work.batch) + parameters;
            periods::AUDIT + bytes.div_ceil(3_000_000) as u32 + duration
        }
    }
}
