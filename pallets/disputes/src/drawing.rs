//! Which results are audited, and by whom.
//!
//! What happens in a block of slot s is drawn about by the beacon of the first block at or after
//! slot s + `Timing.draw_delay_slots`: whoever brought it about could not know that. Authors do know
//! their slots for a while, and may leave them empty; counted in blocks, that would move a draw into
//! a slot of their choice. So draws are queued by slot, not by block, and each is made in the block
//! after the one that decides it, before transactions. One that is late, since much was due,
//! decides by the newest beacon who audits, for bonds can be changed when the other one is known.

use crate::*;
use alloc::vec::Vec;
use codec::Encode;
use frame_support::{
    defensive,
    traits::Get,
    weights::{Weight, WeightMeter},
};
use mizan_protocol::{
    block_number,
    explain::Rule,
    jobs::AuditScope,
    traits::{Beacon, ClaimedResult, ClaimedResults, Models},
    weights::share,
    BlockNumber, Slot,
};
use sp_io::hashing::blake2_256;
use sp_runtime::{PerThing, Perbill};

/// How often a draw that hits somebody who can't audit the job is repeated.
pub(crate) const TRIES: u32 = 16;

impl<T: Config> Pallet<T> {
    /// Queues a draw about something in this block.
    pub(crate) fn draw_later(
        job: JobId,
        reason: DrawReason,
        scope: AuditScope,
        ordered: bool,
    ) -> AuditStage<T> {
        let delay = Slot::from(T::Timing::get().draw_delay_slots);
        let slot = T::Beacon::slot().saturating_add(delay);
        Draws::<T>::insert(slot.to_be_bytes(), job, ());
        Stage::Waits(PendingDraw {
            slot,
            reason,
            scope,
            ordered,
        })
    }

    /// What draws may weigh in a block.
    pub(crate) fn limit_of_draws() -> Weight {
        share(T::DrawsShare::get(), T::BlockWeights::get().max_block)
    }

    /// Makes the draws that were decided by the parent block or before it, oldest first, as far as
    /// the weight allows. The rest is made in later blocks.
    pub(crate) fn make_draws(limit: Weight) -> Weight {
        let mut meter = WeightMeter::with_limit(limit);
        meter.consume(T::WeightInfo::look_for_draws());
        let decided = T::Beacon::parent_slot();
        let room = meter
            .remaining()
            .checked_div_per_component(&T::WeightInfo::draw());
        let due: Vec<_> = Draws::<T>::iter_keys()
            .map(|(slot, job)| (Slot::from_be_bytes(slot), job))
            .take_while(|(slot, _)| *slot <= decided)
            .take(room.unwrap_or(0).try_into().unwrap_or(usize::MAX))
            .collect();
        for (slot, job) in due {
            meter.consume(T::WeightInfo::draw());
            Draws::<T>::remove(slot.to_be_bytes(), job);
            Self::make_draw(job);
        }
        meter.consumed()
    }

    /// Makes the draw that a job waits for and that was just taken from the queue.
    pub(crate) fn make_draw(job: JobId) {
        let Some(mut audit) = Audits::<T>::get(job) else {
            defensive!("a draw is queued for a job without a claimed result");
            return;
        };
        let Stage::Waits(draw) = audit.stage else {
            defensive!("a draw is queued for a job that waits for none");
            return;
        };
        Self::draw(job, &mut audit, draw);
        Audits::<T>::insert(job, audit);
        Self::reschedule(job);
    }

    /// The job ends: nothing is drawn for it any more.
    pub(crate) fn drop_draw(job: JobId, audit: &AuditOf<T>) {
        if let Some(slot) = audit.draw_slot() {
            Draws::<T>::remove(slot.to_be_bytes(), job);
        }
    }

    /// Dismisses the auditors whose time it is.
    pub(crate) fn advance_audit(job: JobId) {
        let Some(mut audit) = Audits::<T>::get(job) else {
            defensive!("a claimed result has no audit");
            return;
        };
        let now = Time::<T>::get();
        match audit.stage.clone() {
            Stage::Open(open) if open.open_demands == 0 && open.verdict_by_time <= now => {
                Self::dismiss(job, &mut audit, open, false);
            }
            Stage::Waits(_) | Stage::Open(_) | Stage::Done => {}
        }
        for (pass, demand) in ReceiptDemands::<T>::iter_prefix(job).collect::<Vec<_>>() {
            if demand.answer_by_time <= now {
                ReceiptDemands::<T>::remove(job, pass);
                Self::return_receipt_demand(job, pass, demand);
                Self::forget_receipt_demand(job);
                Self::slash_pass(job, &mut audit, pass);
            }
        }
        Audits::<T>::insert(job, audit);
    }

    /// The next block in which something about the audits of a job is due; `None` if nothing is.
    pub(crate) fn audit_due(job: JobId, audit: &AuditOf<T>) -> Option<BlockNumber> {
        let stage = match &audit.stage {
            Stage::Waits(draw) => Some(Self::block_after_draw(draw.slot)),
            // Its demand is due before: see the demands of the job.
            Stage::Open(open) if open.open_demands > 0 => Some(BlockNumber::MAX),
            Stage::Open(open) => Some(Self::block_of(open.verdict_by_time)),
            Stage::Done => None,
        };
        let receipts = ReceiptDemands::<T>::iter_prefix_values(job);
        receipts
            .map(|demand| Self::block_of(demand.answer_by_time))
            .chain(stage)
            .min()
    }

    /// The block after that in which the draw is made, if no slot stays empty until then.
    fn block_after_draw(slot: Slot) -> BlockNumber {
        let missing = slot.saturating_sub(T::Beacon::slot()).saturating_add(2);
        block_number::<T>().saturating_add(missing.try_into().unwrap_or(BlockNumber::MAX))
    }

    fn draw(job: JobId, audit: &mut AuditOf<T>, draw: PendingDraw) {
        let Some(beacon) = T::Beacon::first_since(draw.slot) else {
            // It is remembered for hours, and draws are never so late.
            defensive!("the beacon of a draw is forgotten");
            audit.stage = Self::draw_later(job, draw.reason, draw.scope, draw.ordered);
            return;
        };
        let economics = T::Economics::get();
        let probability = match draw.reason {
            DrawReason::Claimed => economics.audit_probability,
            DrawReason::Passed => economics.further_probability,
            DrawReason::Certain => Perbill::one(),
        };
        // While nobody audits, nothing is drawn.
        let drawn = AuditorCount::<T>::get() > 0
            && is_drawn(
                blake2_256(&(b"mizan audit", beacon, job).encode()),
                probability,
            );
        if !drawn {
            return Self::conclude_audits(job, audit);
        }
        let Ok(result) = T::Results::claimed(job) else {
            defensive!("an audit is of a job without a claimed result");
            return Self::conclude_audits(job, audit);
        };
        let lock = economics.audit_lock(result.payment).unwrap_or(Balance::MAX);
        // The same unless the draw is late: then bonds could have been changed to fit the beacon that
        // decided. Nobody has answered the newest one yet.
        let newest = T::Beacon::latest();
        match Self::pick(job, audit, &result, &newest, lock) {
            Some(auditor) => Self::open_audit(job, audit, draw, &result, &newest, auditor, lock),
            // Whoever could look again has done so.
            None if draw.reason == DrawReason::Passed => Self::conclude_audits(job, audit),
            None => {
                Self::deposit_event(Event::NoAuditorDrawn { job });
                Self::count_miss(job, audit, draw.scope, draw.ordered, None, false, 0);
            }
        }
    }

    /// Draws an auditor by free bond who may audit the job, and locks a part of it.
    fn pick(
        job: JobId,
        audit: &AuditOf<T>,
        result: &ClaimedResult<T::AccountId>,
        beacon: &[u8; 32],
        lock: Balance,
    ) -> Option<T::AccountId> {
        let all = Self::all_free_bonds();
        (0..TRIES).find_map(|attempt| {
            let who = Self::hit(job, beacon, attempt, all)?;
            let partial = who == result.worker || who == result.provider || who == result.requester;
            let fits = !partial && !audit.drawn.contains(&who);
            (fits && Self::lock_auditor(&who, lock)).then_some(who)
        })
    }

    /// Whom an attempt hits, whether or not he may audit the job.
    pub(crate) fn hit(
        job: JobId,
        beacon: &[u8; 32],
        attempt: u32,
        all: Balance,
    ) -> Option<T::AccountId> {
        let hash = blake2_256(&(b"mizan auditor", beacon, job, attempt).encode());
        let place = Self::place_at(number(&hash).checked_rem(all)?)?;
        AuditorAt::<T>::get(place)
    }

    #[allow(clippy::too_many_arguments)]
    fn open_audit(
        job: JobId,
        audit: &mut AuditOf<T>,
        draw: PendingDraw,
        result: &ClaimedResult<T::AccountId>,
        beacon: &[u8; 32],
        auditor: T::AccountId,
        lock: Balance,
    ) {
        let scope = draw.scope;
        let period = Self::verdict_blocks(result, scope);
        let verdict_by_time = Self::time_after(period);
        if audit.drawn.try_push(auditor.clone()).is_err() {
            defensive!("more auditors are drawn than passes and misses allow");
        }
        AuditsOf::<T>::insert(&auditor, job, ());
        T::Results::note(
            job,
            Rule::AuditorDrawn {
                auditor: auditor.clone(),
                scope,
                lock,
                verdict_by_time,
            },
        );
        Self::deposit_event(Event::AuditorDrawn {
            job,
            auditor: auditor.clone(),
            scope,
            lock,
            verdict_by_time,
        });
        let seed = blake2_256(&(b"mizan draw", beacon, job, &auditor).encode());
        audit.stage = Stage::Open(OpenAudit {
            auditor,
            lock,
            seed: H256(seed),
            scope,
            ordered: draw.ordered,
            verdict_by_time,
            open_demands: 0,
            answered: 0,
        });
    }

    /// Dispute time that an auditor has for its verdict.
    fn verdict_blocks(result: &ClaimedResult<T::AccountId>, scope: AuditScope) -> BlockNumber {
        let cost = T::Models::summary(&result.model).map(|summary| summary.cost);
        let cost = cost.unwrap_or_default();
        let timing = T::Timing::get();
        match scope {
            AuditScope::Sampled => timing.verdict_blocks(cost.sampled_audit_bytes(result.batch), 0),
            AuditScope::Full => {
                let bytes = cost.full_audit_bytes(result.batch);
                timing.verdict_blocks(bytes, result.duration_blocks)
            }
        }
    }

    /// An auditor at work gave no verdict that counts.
    pub(crate) fn dismiss(
        job: JobId,
        audit: &mut AuditOf<T>,
        open: OpenAudit<T::AccountId>,
        withheld: bool,
    ) {
        let penalty = if withheld {
            0
        } else {
            T::Economics::get().miss_penalty(open.lock)
        };
        let burned = Self::unlock_auditor(&open.auditor, open.lock, penalty);
        AuditsOf::<T>::remove(&open.auditor, job);
        if !withheld {
            Self::deposit_event(Event::VerdictMissed {
                job,
                auditor: open.auditor.clone(),
                burned,
            });
        }
        let (scope, ordered) = (open.scope, open.ordered);
        let auditor = Some(open.auditor);
        Self::count_miss(job, audit, scope, ordered, auditor, withheld, burned);
    }

    /// Counts a draw without a verdict that counts, and draws again unless there were too many.
    #[allow(clippy::too_many_arguments)]
    fn count_miss(
        job: JobId,
        audit: &mut AuditOf<T>,
        scope: AuditScope,
        ordered: bool,
        auditor: Option<T::AccountId>,
        withheld: bool,
        burned: Balance,
    ) {
        T::Results::note(
            job,
            Rule::AuditMissed {
                auditor,
                withheld,
                burned,
            },
        );
        Self::draw_again(job, audit, scope, ordered);
    }

    /// A verdict is missing: another auditor is drawn, unless too many are missing or there are as
    /// many passes as may be.
    pub(crate) fn draw_again(job: JobId, audit: &mut AuditOf<T>, scope: AuditScope, ordered: bool) {
        let misses = match &mut audit.order {
            Some(order) if ordered => &mut order.misses,
            _ => &mut audit.misses,
        };
        *misses = misses.saturating_add(1);
        // A verdict for which there is no place must not be drawn for.
        if *misses < MAX_MISSES && !audit.passes.is_full() {
            audit.stage = Self::draw_later(job, DrawReason::Certain, scope, ordered);
        } else {
            Self::conclude_audits(job, audit);
        }
    }

    /// Nothing more is drawn, but for an audit that was ordered.
    pub(crate) fn conclude_audits(job: JobId, audit: &mut AuditOf<T>) {
        audit.stage = match &mut audit.order {
            Some(order) if !order.begun => {
                order.begun = true;
                Self::draw_later(job, DrawReason::Certain, order.scope, true)
            }
            _ => Stage::Done,
        };
    }

    /// Another claim of the provider was proved wrong.
    pub(crate) fn make_certain(job: JobId) {
        let Some(mut audit) = Audits::<T>::get(job) else {
            defensive!("a claimed result has no audit");
            return;
        };
        let unaudited = audit.passes.is_empty() && audit.misses == 0;
        match &mut audit.stage {
            Stage::Waits(draw) => draw.reason = DrawReason::Certain,
            Stage::Done if unaudited => {
                audit.stage =
                    Self::draw_later(job, DrawReason::Certain, AuditScope::Sampled, false);
            }
            Stage::Open(_) | Stage::Done => return,
        }
        Audits::<T>::insert(job, audit);
        Self::reschedule(job);
    }
}

/// Whether a hash hits a probability. The first four bytes decide.
fn is_drawn(hash: [u8; 32], probability: Perbill) -> bool {
    let [a, b, c, d, ..] = hash;
    // Both sides times 2^32: exact.
    let drawn =
        u64::from(u32::from_le_bytes([a, b, c, d])).saturating_mul(u64::from(Perbill::ACCURACY));
    drawn < u64::from(probability.deconstruct()) << 32
}

/// The first sixteen bytes of a hash as a number.
fn number(hash: &[u8; 32]) -> Balance {
    let (first, _) = hash.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
    Balance::from_le_bytes(*first)
}
