//! The dispute protocol, checked exhaustively within bounds.
//!
//! A model of one job from its attestation to its end, small enough that a program can visit
//! *every* state that the chain, honest parties and an adversary can bring about, in every order.
//! In each of them the promises of the protocol must hold. A test of the real chain shows that
//! one course of events ends well; this search shows that, within its bounds, no course ends
//! badly. And for each rule that the promises rest on, the same search is run without it and must
//! find the course of events that breaks a promise: see [`variants::Flaw`].
//!
//! # What is modelled
//! One step is a transaction in the open block, a draw of the beacon, or the end of the block.
//! A block ends with or without room in the dispute lane. Without room, dispute time stands
//! still, and whatever the adversary wants kept out of the block is kept out of it. At the start
//! of a block silence is judged and then the job settles if it is due; then come transactions, so
//! a proof in the last block of a period wins over settlement.
//!
//! | who | what they do |
//! | --- | --- |
//! | honest worker | attests a right result and answers every demand in time |
//! | vanishing worker | attests a right result and answers or not |
//! | lying worker | attests a wrong result, publishes its trace or not, answers or not |
//! | full checker | live or absent; knows the right result; when the trace is not public it forces the bytes with two demands, one after the other |
//! | honest auditor | passes, proves, or says "withheld", in time; may give up after an answer; demands a receipt that is wrong before it passes beside it; opens its own in time |
//! | other auditors | pass anything, look or not, claim fraud without a proof, say "withheld", give up, or are silent; open a right receipt or not |
//! | adversary | demands data or receipts for no reason, sends proofs that prove nothing, copies or forestalls the checker's proof to take its reward, stuffs blocks |
//!
//! The one thing asked of the world is that an honest party's transaction is included in one of
//! the blocks *with room* of the period that it has, be it the last: its `patience` in
//! [`state`]. All clocks of the honest are kept apart from the chain's, so that a chain that
//! counts time wrongly is found out.
//!
//! # Bounds
//! Challenge period 4 blocks, answer period 4 (for receipts, too), audit period 2, delay after an
//! answer 1 (a quarter of the challenge period), three misses, at most one further auditor at a
//! time, at most 3 blocks without room in a row. The rest differs by search; *demands* are those
//! of the adversary, *withheld* those of auditors:
//!
//! | search | demands | withheld | receipts demanded | proofs of nothing | blocks without room | states |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | [`Protocol::unaudited`] | 2 | 0 | 0 | 1 | 4 | 2,433,891 |
//! | [`Protocol::audited_right`] | 1 | 1 | 0 | 1 | 2 | 1,461,801 |
//! | [`Protocol::audited_public_lie`] | 1 | 0 | 0 | 1 | 3 | 592,549 |
//! | [`Protocol::audited_hidden_lie`] | 0 | 1 | 0 | 1 | 1 | 3,435,382 |
//! | [`Protocol::receipts_right`] | 0 | 0 | 2 | 0 | 2 | 1,773,739 |
//! | [`Protocol::receipts_lie`] | 0 | 0 | 2 | 0 | 2 | 1,058,567 |
//!
//! The full checker's two demands come on top, and so do demands for receipts by the full checker
//! and by honest auditors. Each search takes seconds.
//!
//! # What is abstracted
//! - Hashes are perfect: an answer shows the bytes that were committed to, and nobody opens
//!   anything else. (The search itself tells states apart by hashes of 64 bits.)
//! - The chain is final: no forks, and everyone sees a block before the next one.
//! - One job. What a conviction does to the provider's other jobs is left out.
//! - A draw happens in the block that asks for it, and can draw anyone. Settlement comes as soon
//!   as it may, which is the worst case for those who dispute.
//! - Every drawn auditor whose set holds a wrong element can prove it. A proof slashes each that
//!   passed such a set, as if it named an element of it.
//! - A receipt is right or wrong at every byte: whoever did not look can open none of it. A worker
//!   that makes the receipt for a willing auditor is an auditor that looked and passes anyway.
//! - A demand for a receipt has the base price.
//! - Fees are left out, and so is that anyone may answer: the provider gets each answer's reward.
//!
//! # Readings of the protocol that the model had to choose
//! - Verdicts travel in the dispute lane and the audit period is dispute time; otherwise stuffed
//!   blocks cost an honest auditor money ([`variants::Flaw::AuditClockCountsStuffed`]).
//! - An auditor's clock rests while the demand of its verdict "withheld" is open. After the answer
//!   it has a new audit period to pass or prove.
//! - Misses are counted over the whole job: three make it unaudited even when another auditor
//!   passed it. That auditor is paid.
//! - Receipts that are not opened count as misses, and so does giving up. After the third miss
//!   nobody is drawn in place of who is missing, but an auditor at work finishes: otherwise a
//!   liar's own auditors could end the audit by their blind passes while an honest one is about to
//!   prove the lie ([`variants::Flaw::ThirdMissEndsAudit`]).
//! - A pass that fell is as if it had never been given: the next one is the first again, and may
//!   be followed by a further auditor. While an auditor is at work nobody else is drawn for it.
//! - An honest auditor that passes beside a wrong receipt need not wait for its fall: the demand
//!   delays the settlement.
//! - When the job is closed, deposits of demands that are still open go back.
//!
//! # What a draw is worth
//! Beside the search stand two smaller models: [`withholding`] is what the author of a block gains
//! by withholding it when it decides a draw, and [`foresight`] what he gains if he knows in advance
//! which slots are his.
//!
//! # Non-goals
//! Prices: whether it pays to lie is an inequality, not a search. An honest auditor that gives up
//! on hidden data keeps its lock, and the lie may be paid: the search shows it
//! ([`properties::GAVE_UP_ON_LIE`]). Endless demands: they delay a
//! settlement for as long as somebody pays for them; the search bounds their number.

pub mod actors;
pub mod audits;
pub mod foresight;
pub mod money;
pub mod properties;
pub mod receipts;
pub mod rules;
pub mod searches;
pub mod state;
pub mod variants;
pub mod withholding;

use actors::Action;
use rules::Rules;
use state::{Bounds, Scene, State};
use stateright::{Model, Property};

/// A search: the rules, what is given, and what the adversary may do.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// The rules, complete or not.
    pub rules: Rules,
    /// The beginnings to search from.
    pub scenes: Vec<Scene>,
    /// What the adversary may do in a run.
    pub bounds: Bounds,
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.scenes
            .iter()
            .map(|scene| State::attested(*scene, self.bounds))
            .collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.rules.actions(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        self.rules.apply(last, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = properties::always();
        properties.extend(properties::sometimes());
        properties
    }
}
