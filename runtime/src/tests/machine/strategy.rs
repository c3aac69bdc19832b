//! The steps of the machine.
//!
//! Steps name jobs by what their sender has to do with them, and amounts and blocks outright, so
//! each of them can happen anywhere: what fits no more when shrinking took away the steps before it
//! is an act that is refused.

use super::acts::{acts, duties, ASKS};
use super::audit_acts::AuditAct;
use super::auditing::is_at_work;
use super::audits::Stage;
use super::market::{periods, Market, Offer, Refusal, State, Who, ACTORS, MAX_BATCH, PROGRAMS};
use super::money::{MIN_AUDITOR_BOND, MIN_BOND};
use super::results::Fault;
use super::sending::{Act, Consent};
use crate::EXISTENTIAL_DEPOSIT;
use mizan_protocol::{Slot, UNIT};
use proptest::{array::uniform5, collection::vec, prelude::*, sample::select, strategy::Union};
use proptest_state_machine::ReferenceStateMachine;

/// More jobs at once than this might not fit one block's share, and the model knows no shares.
const MOST_UNFINISHED: usize = 16;

/// The model and how it took the last step.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) wealth: [u128; ACTORS.len()],
    /// What was sent before the first step: it must not be refused.
    pub(super) opening: Vec<(Who, Act)>,
    pub(super) market: Market,
    /// What the last step sent.
    pub(super) sent: Option<Act>,
    pub(super) outcome: Result<(), Refusal>,
}

impl Machine {
    /// Actors with this much, those with a bond being providers with a live worker, and those with
    /// an auditor's bond auditors, and these offers posted.
    fn begin(
        wealth: [u128; ACTORS.len()],
        bonds: [u128; ACTORS.len()],
        asks: [u128; ACTORS.len()],
        auditors: [u128; ACTORS.len()],
        offers: Vec<(Who, Offer)>,
    ) -> Self {
        let mut opening = Vec::new();
        for who in (0..ACTORS.len()).filter(|who| bonds[*who] > 0 && bonds[*who] < wealth[*who]) {
            let register = Act::RegisterWorker {
                worker: who,
                ask: asks[who],
                slots: 1 + who as u32 % 2,
                consent: Consent::None,
            };
            let acts = [Act::RegisterProvider(bonds[who]), register, Act::Heartbeat];
            opening.extend(acts.map(|act| (who, act)));
        }
        for who in (0..ACTORS.len()).filter(|who| auditors[*who] > 0) {
            if bonds[who] + auditors[who] < wealth[who] {
                opening.push((who, Act::Audit(AuditAct::Register(auditors[who]))));
            }
        }
        let offers = offers.into_iter();
        opening.extend(offers.map(|(who, offer)| (who, Act::Post(offer))));
        let mut market = Market::with_wealth(wealth);
        for (by, act) in &opening {
            assert_eq!(market.take(*by, act), Ok(()), "{act:?}");
        }
        Self {
            wealth,
            opening,
            market,
            sent: None,
            outcome: Ok(()),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// An actor sends something.
    Send(Who, Act),
    /// Blocks pass.
    Pass(u32),
    /// So many slots stay empty before the next block.
    PassOver(Slot),
    /// A block begins whose hooks have no room for jobs.
    PassIntoCrowdedBlock,
    /// Others' transactions fill this block up.
    Fill(Lane),
}

/// What fills a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// What everyone may send: room is kept for fraud proofs.
    Normal,
    /// Fraud proofs, demands and answers themselves.
    Operational,
}

impl ReferenceStateMachine for Machine {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let wealth = [vec![300 * UNIT; 7], vec![100_000 * UNIT; 2]].concat();
        let wealth = [wealth, vec![20 * UNIT, EXISTENTIAL_DEPOSIT, 0]].concat();
        let wealth = select(wealth);
        let bond = select(vec![
            200 * UNIT,
            200 * UNIT,
            200 * UNIT,
            40 * UNIT,
            MIN_BOND,
            0,
        ]);
        let auditor = select(vec![0, MIN_AUDITOR_BOND, 40 * UNIT, 80 * UNIT, 80 * UNIT]);
        let some_work = (
            uniform5(wealth),
            uniform5(bond),
            uniform5(select(ASKS.to_vec())),
            uniform5(auditor.clone()),
        )
            .prop_map(|(wealth, bonds, asks, auditors)| {
                Self::begin(wealth, bonds, asks, auditors, Vec::new())
            });
        // Only where many work can several miss the same job.
        let all_work =
            (uniform5(select(ASKS.to_vec())), uniform5(auditor)).prop_map(|(asks, auditors)| {
                Self::begin([300 * UNIT; 5], [200 * UNIT; 5], asks, auditors, Vec::new())
            });
        prop_oneof![3 => some_work, 2 => all_work, 3 => audited_work()].boxed()
    }

    fn transitions(machine: &Self) -> BoxedStrategy<Step> {
        let market = &machine.market;
        let awaited = (0..ACTORS.len()).any(|who| is_at_work(market, who));
        let blocks = [vec![1; 9], vec![2, 2, 2, 3]].concat();
        // Where a verdict is awaited it should rarely be missed.
        let many = if awaited { vec![9] } else { vec![4, 9, 31] };
        let blocks = select([blocks, many].concat());
        let empty = select(vec![1, 1, 1, 2, 3, 2_000]);
        let disputed = !market.cases.is_empty();
        let actors = (0..ACTORS.len()).map(|who| {
            let busy = disputed || !duties(market, who).is_empty();
            let sent = acts(market, who, 2).prop_map(move |act| Step::Send(who, act));
            let weight = if is_at_work(market, who) {
                20
            } else if busy {
                5
            } else {
                1
            };
            (weight, sent.boxed())
        });
        // A worker that comes too late is heard only where its time-out comes later still; and a
        // fraud proof together with the settlement only where that comes later.
        let last = market.jobs.iter();
        let mut last = last.filter(|(_, job)| job.due == market.now + 1);
        let running_out = last.any(|(id, job)| match &job.state {
            State::Assigned(_) => true,
            State::Attested { fault, .. } => {
                *fault != Fault::None && market.cases[id].audit.stage == Stage::Done
            }
            _ => false,
        });
        prop_oneof![
            14 => Union::new_weighted(actors.collect()),
            5 => blocks.prop_map(Step::Pass),
            1 => empty.prop_map(Step::PassOver),
            if running_out { 6 } else { 1 } => Just(Step::PassIntoCrowdedBlock),
            1 => select(vec![Lane::Operational, Lane::Normal]).prop_map(Step::Fill),
        ]
        .boxed()
    }

    fn preconditions(machine: &Self, step: &Step) -> bool {
        let Step::Send(_, act) = step else {
            return true;
        };
        if count(act, &demands_receipt) > 0 && count(act, &opens_receipt) > 1 {
            // What opens a receipt is written before it is known that another byte is demanded.
            return false;
        }
        let jobs = machine.market.jobs.values();
        jobs.filter(|job| job.is_unfinished()).count() + count(act, &posts) <= MOST_UNFINISHED
    }

    fn apply(mut machine: Self, step: &Step) -> Self {
        machine.outcome = Ok(());
        let market = &mut machine.market;
        match step {
            Step::Send(by, act) => {
                let act = market.resolve(*by, act);
                machine.outcome = market.take(*by, &act);
                machine.sent = Some(act);
            }
            Step::Pass(blocks) => (0..*blocks).for_each(|_| market.pass_over(0)),
            Step::PassOver(empty) => market.pass_over(*empty),
            Step::PassIntoCrowdedBlock => market.pass_into_crowded_block(),
            Step::Fill(lane) => market.full |= *lane == Lane::Operational,
        }
        machine
    }
}

/// Two who work for three who could audit each other's jobs, and jobs from the start: several
/// auditors come after one another only where there are enough that may.
fn audited_work() -> impl Strategy<Value = Machine> {
    let bonds = [2_000 * UNIT, 2_000 * UNIT, 0, 0, 0];
    let auditor = select(vec![40 * UNIT, 400 * UNIT, 400 * UNIT]);
    let offer = (2..5usize, 0..2usize, select(vec![7, 7, 7, MAX_BATCH])).prop_map(
        |(requester, model, batch)| {
            let offer = Offer {
                model,
                batch,
                inputs: PROGRAMS[model].inputs,
                price: UNIT,
                duration: periods::MIN_DURATION + 2,
                wait: periods::MAX_WAIT,
                worker: None,
                servers: Vec::new(),
            };
            (requester, offer)
        },
    );
    (uniform5(auditor), vec(offer, 2..6)).prop_map(move |(auditors, offers)| {
        Machine::begin([3_000 * UNIT; 5], bonds, [0; 5], auditors, offers)
    })
}

/// How many such acts there are in one, wrapped or not.
fn count(act: &Act, is_such: &dyn Fn(&Act) -> bool) -> usize {
    match act {
        Act::Batch(_, acts) => acts.iter().map(|act| count(act, is_such)).sum(),
        Act::IfElse(main, fallback) => count(main, is_such) + count(fallback, is_such),
        act => is_such(act).into(),
    }
}

fn posts(act: &Act) -> bool {
    matches!(act, Act::Post(_))
}

fn demands_receipt(act: &Act) -> bool {
    matches!(act, Act::Audit(AuditAct::DemandReceipt { .. }))
}

fn opens_receipt(act: &Act) -> bool {
    matches!(act, Act::Audit(AuditAct::OpenReceipt { .. }))
}
