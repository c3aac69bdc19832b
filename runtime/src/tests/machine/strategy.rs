//! The steps of the machine.
//!
//! Steps name jobs by what their sender has to do with them, and amounts and blocks outright, so
//! each of them can happen anywhere: what fits no more when shrinking took away the steps before it
//! is an act that is refused.

use super::acts::{acts, duties, ASKS};
use super::market::{Market, Refusal, State, Who, ACTORS};
use super::money::MIN_BOND;
use super::results::Fault;
use super::sending::{Act, Consent};
use crate::EXISTENTIAL_DEPOSIT;
use mizan_protocol::UNIT;
use proptest::{array::uniform5, prelude::*, sample::select, strategy::Union};
use proptest_state_machine::ReferenceStateMachine;

/// More jobs at once than this might not fit one block's share, and the model knows no shares.
const MOST_UNFINISHED: usize = 24;

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
    /// Actors with this much, those with a bond being providers with a live worker.
    fn begin(
        wealth: [u128; ACTORS.len()],
        bonds: [u128; ACTORS.len()],
        asks: [u128; ACTORS.len()],
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
        let some_work = (
            uniform5(wealth),
            uniform5(bond),
            uniform5(select(ASKS.to_vec())),
        )
            .prop_map(|(wealth, bonds, asks)| Self::begin(wealth, bonds, asks));
        // Only where many work can several miss the same job.
        let all_work = uniform5(select(ASKS.to_vec()))
            .prop_map(|asks| Self::begin([300 * UNIT; 5], [200 * UNIT; 5], asks));
        prop_oneof![2 => some_work, 1 => all_work].boxed()
    }

    fn transitions(machine: &Self) -> BoxedStrategy<Step> {
        let market = &machine.market;
        let blocks = select(vec![1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 4, 9, 31]);
        let disputed = !market.cases.is_empty();
        let actors = (0..ACTORS.len()).map(|who| {
            let busy = disputed || !duties(market, who).is_empty();
            let sent = acts(market, who, 2).prop_map(move |act| Step::Send(who, act));
            (if busy { 5 } else { 1 }, sent.boxed())
        });
        // A worker that comes too late is heard only where its time-out comes later still; and a
        // fraud proof together with the settlement only where that comes later.
        let last = market.jobs.values().filter(|job| job.due == market.now + 1);
        let running_out = last.into_iter().any(|job| match &job.state {
            State::Assigned(_) => true,
            State::Attested { fault, .. } => *fault != Fault::None,
            _ => false,
        });
        prop_oneof![
            14 => Union::new_weighted(actors.collect()),
            5 => blocks.prop_map(Step::Pass),
            if running_out { 6 } else { 1 } => Just(Step::PassIntoCrowdedBlock),
            1 => select(vec![Lane::Operational, Lane::Normal]).prop_map(Step::Fill),
        ]
        .boxed()
    }

    fn preconditions(machine: &Self, step: &Step) -> bool {
        let Step::Send(_, act) = step else {
            return true;
        };
        let jobs = machine.market.jobs.values();
        jobs.filter(|job| job.is_unfinished()).count() + posts(act) <= MOST_UNFINISHED
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
            Step::Pass(blocks) => (0..*blocks).for_each(|_| market.pass_block()),
            Step::PassIntoCrowdedBlock => market.pass_into_crowded_block(),
            Step::Fill(lane) => market.full |= *lane == Lane::Operational,
        }
        machine
    }
}

fn posts(act: &Act) -> usize {
    match act {
        Act::Post(_) => 1,
        Act::Batch(_, acts) => acts.iter().map(posts).sum(),
        Act::IfElse(main, fallback) => posts(main) + posts(fallback),
        _ => 0,
    }
}
