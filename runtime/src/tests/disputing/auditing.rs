//! Auditors are drawn, answer for what they say, and are paid for it.

mod bonding;
mod drawing;
mod ordering;
mod receipts;
mod verdicts;

use super::*;
use frame_support::dispatch::DispatchResult;
use mizan_protocol::{
    jobs::{AuditOutcome, AuditScope, Settled},
    traits::Disputes as _,
    Slot,
};
use pallet_disputes::{
    Auditor, Audits, AuditsOf, DrawReason, OpenAudit, Stage, Verdict, MAX_MISSES,
};
use sp_runtime::Perbill;

/// Every claimed result is audited, and passes are followed by a further auditor or not.
fn audit_all(followed: bool) {
    pallet_rewards::EconomicsRecord::<Runtime>::mutate(|economics| {
        economics.audit_probability = Perbill::one();
        economics.further_probability = match followed {
            true => Perbill::one(),
            // Draws are the same in every run, and none in these tests hits one in a hundred.
            false => Perbill::from_percent(1),
        };
    });
}

/// Makes accounts auditors whose bonds cover a few locks.
fn auditors(who: &[Sr25519Keyring]) {
    for who in who {
        assert_ok!(Disputes::register_auditor(signed(*who), 100_000 * UNIT));
    }
}

fn auditor(who: Sr25519Keyring) -> Auditor {
    pallet_disputes::Auditors::<Runtime>::get(id(who)).expect("it is an auditor")
}

fn audit(job: JobId) -> pallet_disputes::AuditOf<Runtime> {
    Audits::<Runtime>::get(job).expect("the result can be challenged")
}

/// The auditor at work.
fn at_work(job: JobId) -> Option<OpenAudit<AccountId>> {
    audit(job).at_work().cloned()
}

fn is_at_work(job: JobId, who: Sr25519Keyring) -> bool {
    at_work(job).is_some_and(|open| open.auditor == id(who))
}

/// Lets blocks pass until the draw that is due was made.
fn draw() {
    pass(timing().draw_delay_slots + 1);
}

/// The slot of the draw that the job waits for.
fn draw_slot(job: JobId) -> Slot {
    audit(job).draw_slot().expect("it waits for a draw")
}

fn settled(job: JobId) -> Settled {
    match self::job(job).state {
        JobState::Settled(_, _, settled) => settled,
        state => panic!("it is not settled: {state:?}"),
    }
}

impl Trial {
    /// The receipt that an honest auditor makes.
    fn receipt(&self, scope: AuditScope, seed: H256) -> H256 {
        let stream = self.stream(scope, seed);
        H256(mizan_tensor::receipt(&stream, seed.as_fixed_bytes()))
    }

    fn stream(&self, scope: AuditScope, seed: H256) -> Vec<u8> {
        self.with_exhibits(|exhibits| exhibits.receipt_stream(scope, seed.as_fixed_bytes()))
            .expect("all is there")
    }

    /// The auditor at work passes it with the right receipt.
    fn pass(&self, who: Sr25519Keyring) {
        let open = at_work(self.job).expect("an auditor is at work");
        let receipt = self.receipt(open.scope, open.seed);
        assert_ok!(self.say(who, Verdict::Pass { receipt }));
    }

    fn say(&self, who: Sr25519Keyring, verdict: Verdict) -> DispatchResultWithPostInfo {
        Disputes::submit_verdict(signed(who), self.job, verdict)
    }

    fn order(&self, who: Sr25519Keyring, scope: AuditScope) -> DispatchResult {
        Disputes::order_audit(signed(who), self.job, scope)
    }

    fn payment(&self) -> Balance {
        match job(self.job).state {
            JobState::Attested(assignment, _)
            | JobState::Settled(assignment, ..)
            | JobState::Convicted(assignment, ..) => assignment.payment,
            state => panic!("no result was claimed: {state:?}"),
        }
    }

    fn audit_lock(&self) -> Balance {
        economics().audit_lock(self.payment()).expect("it fits")
    }

    /// Lets time pass until the job ends.
    fn run_to_end(&self) {
        for _ in 0..200 {
            if !matches!(job(self.job).state, JobState::Attested(..)) {
                return;
            }
            pass(1);
        }
        panic!("the job does not end");
    }
}

/// An element that the auditor at work looks at, and one that it does not, if there is any.
fn drawn_element(trial: &Trial) -> (u16, u64) {
    let open = at_work(trial.job).expect("an auditor is at work");
    let draw = mizan_tensor::Draw::new(&trial.plan, BATCH, open.seed.as_fixed_bytes());
    *draw
        .expect("the batch fits")
        .elements
        .first()
        .expect("some are drawn")
}
