//! What must hold in every state, and what must be possible.

use crate::{
    money::{documented, Account, AUDITOR_SHARE, AUDIT_LOCK, CHALLENGER_SHARE, DEMAND_DEPOSIT},
    rules::last_height,
    state::{Conviction, FullChecker, HonestHit, Job, Party, Pass, State, Worker, MISSES},
    Protocol,
};
use stateright::{Model, Property};

/// An honest worker that answers is never convicted.
pub const HONEST_NEVER_CONVICTED: &str = "an honest, answering worker is never convicted";
/// A right result is convicted for silence only.
pub const RIGHT_RESULT_STANDS: &str = "a right result is never proved wrong";
/// The promise to requesters.
pub const WRONG_NEVER_PAID: &str = "a wrong result is never paid while a full checker is live";
/// The promise of an audit.
pub const HIT_NEVER_PAID: &str =
    "a wrong element is never paid when an honest auditor drew it and does not give up";
/// The promise to auditors.
pub const HONEST_AUDITOR_KEEPS: &str = "an honest auditor never loses of its lock";
/// What receipts are for.
pub const BLIND_PASS_FALLS: &str = "a blind pass never counts beside an honest auditor's";
/// Audits can't be worn out but by three misses.
pub const AUDIT_IS_IN: &str = "an audited job is paid after a pass that counts or three misses";
/// With finitely many states and no circles, every run ends, and it ends here.
pub const EVERY_JOB_ENDS: &str = "every job ends, and within the bound";
/// Settlement and conviction are final.
pub const CLOSED_ONCE: &str = "a job is settled or convicted once";
/// Money is conserved.
pub const MONEY_SOUND: &str = "no money from nowhere, none taken that was not held";
/// Money ends where the protocol says.
pub const MONEY_DOCUMENTED: &str = "payment, lock and deposits end at the documented places";
/// The rule against free minting by silent auditors.
pub const UNAUDITED_MINTS_NOTHING: &str = "a job unaudited by misses mints nothing";

/// An honest worker gets its money.
pub const HONEST_PAID: &str = "an honest job is paid";
/// The full checker convicts a lie.
pub const PROVED: &str = "a lie is convicted by the checker's proof";
/// It does so with data that only its demands made public.
pub const FORCED_AND_PROVED: &str = "a lie whose trace was forced is convicted by a proof";
/// Somebody sends the full checker's proof before it.
pub const COPIED: &str = "a lie is convicted by a copied proof";
/// A drawn auditor convicts a lie.
pub const AUDITOR_PROVED: &str = "a lie is convicted by an auditor's proof";
/// A lie is convicted because the full checker's demand is not answered.
pub const SILENT: &str = "a lie is convicted by its silence";
/// The same for an auditor's verdict "withheld".
pub const SILENT_TO_AUDITOR: &str = "a lie is convicted by its silence to an auditor";
/// Who does not answer is convicted, whatever the result.
pub const RIGHT_BUT_SILENT: &str = "a right result is convicted by silence";
/// Demands for no reason cost the demander.
pub const SPAM_ANSWERED: &str = "a demand for no reason is answered and the job is paid";
/// Two demands of one base price are open at once.
pub const SECOND_DEMAND_DOUBLE: &str = "a second open demand costs double";
/// A proof that proves nothing changes nothing.
pub const FALSE_PROOF_REFUSED: &str = "a false proof is refused and the job is paid";
/// Three silent auditors do not stop a job.
pub const UNAUDITED: &str = "a job is paid unaudited after three misses";
/// A pass is followed by a further auditor.
pub const PASSED_TWICE: &str = "a job is paid after two auditors passed it";
/// A blind or bribed pass costs the auditor's lock.
pub const AUDITOR_SLASHED: &str = "an auditor that passed a wrong element is slashed";
/// Who is asked for its receipt earns half of the deposit.
pub const RECEIPT_OPENED: &str = "an honest auditor's receipt is opened and the job is paid";
/// What a pass without looking costs, and that the job goes on.
pub const BLIND_PASS_BURNED: &str =
    "a job is paid after a blind pass fell and another auditor passed";
/// A full checker asks too.
pub const BLIND_PASS_FOUND: &str = "a blind pass falls to a full checker alone";
/// The limit of receipts.
pub const BLIND_PASS_PAID: &str = "a blind pass is paid when nobody looks again";
/// Misses of every kind count together.
pub const UNAUDITED_BY_RECEIPTS: &str = "a job is paid unaudited after three blind passes fell";
/// Giving up is a miss without penalty.
pub const GAVE_UP: &str = "a job is paid after an auditor gave up, which burned nothing";
/// The limit of audits.
pub const GAVE_UP_ON_LIE: &str = "a lie is paid after an honest auditor gave up on hidden data";
/// The limit of what is promised.
pub const LIE_PAID: &str = "a lie is paid when nobody honest looks";

/// What must hold in every state.
pub fn always() -> Vec<Property<Protocol>> {
    vec![
        Property::always(HONEST_NEVER_CONVICTED, |_, state: &State| {
            state.scene.worker != Worker::Honest || !matches!(state.job, Job::Convicted(_))
        }),
        Property::always(RIGHT_RESULT_STANDS, |_, state: &State| {
            state.scene.worker.is_wrong()
                || !matches!(
                    state.job,
                    Job::Convicted(Conviction::Proof(_) | Conviction::Word)
                )
        }),
        Property::always(WRONG_NEVER_PAID, |_, state: &State| {
            !(state.is_paid() && state.scene.worker.is_wrong() && state.scene.checker_live)
        }),
        Property::always(HIT_NEVER_PAID, |_, state: &State| {
            !(state.is_paid() && state.record.honest_hit == HonestHit::Drawn)
        }),
        Property::always(HONEST_AUDITOR_KEEPS, |_, state: &State| {
            !state.record.honest_auditor_lost
        }),
        Property::always(BLIND_PASS_FALLS, |_, state: &State| {
            let blind = state.passes.iter().position(|pass| pass.blind);
            let honest = state.passes.iter().rposition(|pass| pass.honest);
            !(state.is_paid() && blind.is_some() && blind < honest)
        }),
        Property::always(AUDIT_IS_IN, |_, state: &State| {
            let audited = !state.passes.is_empty() || state.is_unaudited();
            !(state.is_paid() && state.scene.audited) || audited
        }),
        Property::always(EVERY_JOB_ENDS, ends),
        Property::always(CLOSED_ONCE, |_, state: &State| {
            state.record.closings == u8::from(!state.is_open())
        }),
        Property::always(MONEY_SOUND, |_, state: &State| state.ledger.is_sound()),
        Property::always(MONEY_DOCUMENTED, |_, state: &State| {
            state.is_open() || state.ledger == documented(state)
        }),
        Property::always(UNAUDITED_MINTS_NOTHING, |_, state: &State| {
            !state.is_unaudited() || state.ledger.minted == 0
        }),
    ]
}

/// A run goes on to a later state until the last block ended; then the job is closed.
fn ends(protocol: &Protocol, state: &State) -> bool {
    let next = protocol.next_states(state);
    let goes_on = |later: &State| (later.height, later.step) > (state.height, state.step);
    let in_time = state.height <= last_height(&protocol.bounds);
    in_time
        && next.is_empty() == state.over
        && !(state.over && state.is_open())
        && next.iter().all(goes_on)
}

/// What must be possible, or the search proves nothing.
pub fn sometimes() -> Vec<Property<Protocol>> {
    let mut examples = convictions();
    examples.extend(other_examples());
    examples.extend(receipts());
    examples
}

fn convictions() -> Vec<Property<Protocol>> {
    vec![
        Property::sometimes(PROVED, |_, state: &State| {
            convicted(state, Conviction::Proof(Party::Checker))
        }),
        Property::sometimes(FORCED_AND_PROVED, |_, state: &State| {
            convicted(state, Conviction::Proof(Party::Checker)) && !state.scene.trace_public
        }),
        Property::sometimes(COPIED, |_, state: &State| {
            convicted(state, Conviction::Proof(Party::Adversary))
                && matches!(state.checker, FullChecker::Ready { .. })
        }),
        Property::sometimes(AUDITOR_PROVED, |_, state: &State| {
            convicted(state, Conviction::Proof(Party::Auditor))
        }),
        Property::sometimes(SILENT, |_, state: &State| {
            convicted(state, Conviction::Silence(Party::Checker))
        }),
        Property::sometimes(SILENT_TO_AUDITOR, |_, state: &State| {
            convicted(state, Conviction::Silence(Party::Auditor))
        }),
        Property::sometimes(RIGHT_BUT_SILENT, |_, state: &State| {
            state.scene.worker == Worker::Vanishing && matches!(state.job, Job::Convicted(_))
        }),
    ]
}

fn other_examples() -> Vec<Property<Protocol>> {
    vec![
        Property::sometimes(HONEST_PAID, |_, state: &State| {
            state.over && state.is_paid() && state.scene.worker == Worker::Honest
        }),
        Property::sometimes(SPAM_ANSWERED, |_, state: &State| {
            state.is_paid() && state.record.answered[Party::Adversary as usize] > 0
        }),
        Property::sometimes(SECOND_DEMAND_DOUBLE, |_, state: &State| {
            state.ledger.of(Account::Deposits) == 3 * DEMAND_DEPOSIT
        }),
        Property::sometimes(FALSE_PROOF_REFUSED, |_, state: &State| {
            state.is_paid() && state.record.refused[Party::Adversary as usize] > 0
        }),
        Property::sometimes(UNAUDITED, |_, state: &State| {
            state.is_paid() && state.is_unaudited()
        }),
        Property::sometimes(PASSED_TWICE, |_, state: &State| {
            state.is_paid() && state.passes.len() == 2
        }),
        Property::sometimes(AUDITOR_SLASHED, |_, state: &State| {
            matches!(state.job, Job::Convicted(Conviction::Proof(_)))
                && state.ledger.of(Account::Party(Party::Auditor)) <= CHALLENGER_SHARE - AUDIT_LOCK
        }),
        Property::sometimes(LIE_PAID, |_, state: &State| {
            let looked = state.scene.checker_live || state.record.honest_hit != HonestHit::None;
            state.is_paid() && state.scene.worker.is_wrong() && !looked
        }),
    ]
}

fn receipts() -> Vec<Property<Protocol>> {
    vec![
        Property::sometimes(RECEIPT_OPENED, |_, state: &State| {
            let honest = |pass: &Pass| pass.honest;
            state.is_paid() && state.record.opened != [0; 3] && state.passes.iter().all(honest)
        }),
        Property::sometimes(BLIND_PASS_BURNED, |_, state: &State| {
            state.is_paid() && state.record.unopened > 0 && state.passes.iter().any(|p| p.honest)
        }),
        Property::sometimes(BLIND_PASS_FOUND, |_, state: &State| {
            let auditors = Account::Party(Party::Auditor);
            state.job == Job::Settled
                && state.scene.checker_live
                && state.record.unopened == 1
                && state.ledger.of(auditors) == AUDITOR_SHARE - AUDIT_LOCK
        }),
        Property::sometimes(BLIND_PASS_PAID, |_, state: &State| {
            state.is_paid() && state.passes.iter().any(|pass| pass.blind)
        }),
        Property::sometimes(UNAUDITED_BY_RECEIPTS, |_, state: &State| {
            state.is_paid() && state.record.unopened == MISSES
        }),
        Property::sometimes(GAVE_UP, |_, state: &State| {
            let others = state.record.silent + state.record.unopened;
            state.is_paid() && state.record.gave_up > 0 && others == 0
        }),
        Property::sometimes(GAVE_UP_ON_LIE, |_, state: &State| {
            state.is_paid() && state.record.honest_hit == HonestHit::GaveUp
        }),
    ]
}

fn convicted(state: &State, conviction: Conviction) -> bool {
    state.job == Job::Convicted(conviction) && state.scene.worker.is_wrong()
}
