//! What the author of a block gains by withholding it.
//!
//! A draw about something in block `n` is decided by the beacon of block `n + D`. Nobody can
//! choose that number, but whoever authors that block sees it first. If the draw is bad for him he
//! can keep the block to himself: then the author of the next slot decides, who is the attacker
//! again with the probability of his share of slots. It costs him the block.
//!
//! [`Game`] is that decision as a Markov decision problem, solved by value iteration: at each of
//! his slots the attacker does what is best for him, at every block on the way. The closed form
//! in `docs/security.md` is found so and not assumed.
//!
//! The attacker here learns only at a slot that the slot is his. What one gains that knows his
//! slots in advance is in [`crate::foresight`].

/// Two values are the same when they differ by less.
const TOLERANCE: f64 = 1e-12;

/// A draw, as it looks to who attested a wrong result.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    /// `p`: the job is audited.
    pub audited: f64,
    /// `c`: the attacker's share of auditors' bonds, and so the probability that his own is drawn.
    pub own: f64,
    /// What his own auditor costs him, where somebody else's costs one and no audit nothing. It is
    /// above zero because a pass may be followed by a further auditor.
    pub own_loss: f64,
}

impl Draw {
    /// Each outcome: its probability, and what it costs.
    fn outcomes(&self) -> [(f64, f64); 3] {
        [
            (1.0 - self.audited, 0.0),
            (self.audited * self.own, self.own_loss),
            (self.bad(), 1.0),
        ]
    }

    /// `q = p (1 - c)`: somebody else's auditor is drawn.
    pub fn bad(&self) -> f64 {
        self.audited * (1.0 - self.own)
    }

    /// What a draw costs that nobody influences.
    pub fn expected(&self) -> f64 {
        self.outcomes().iter().map(|(p, loss)| p * loss).sum()
    }
}

/// Slots until the draw is decided, and what can be done at each.
#[derive(Clone, Copy, Debug)]
pub struct Game {
    /// `a`: the attacker's share of the slots of authors, below one.
    pub slots: f64,
    /// What the draw decides.
    pub draw: Draw,
    /// `D`: blocks from the subject of the draw to the block that decides it, at least one.
    pub delay: usize,
    /// What a block is worth to its author, in units of what somebody else's auditor costs.
    pub block_price: f64,
}

/// How the attacker plays best.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solution {
    /// What the draw costs him, with the blocks that he loses: no less than this,
    pub at_least: f64,
    /// and no more than this.
    pub at_most: f64,
    /// `q'`: the probability that somebody else's auditor is drawn in the end.
    pub bad: f64,
    /// Blocks that he withholds on average.
    pub lost_blocks: f64,
    /// Whether he withholds the block that draws his own auditor, too.
    pub withholds_own: bool,
    /// Whether he ever withholds a block before the one that decides.
    pub withholds_early: bool,
}

/// What the attacker does at his slots: whether he withholds the deciding block, by outcome, and
/// the blocks before it.
struct Policy {
    deciding: [bool; 3],
    early: Vec<bool>,
}

impl Game {
    /// Finds the best play. Values from below and from above close in on the truth.
    pub fn solve(&self) -> Solution {
        let worst = self.draw.own_loss.max(1.0);
        let mut low = vec![0.0; self.delay];
        let mut high = vec![worst; self.delay];
        while (0..self.delay).any(|left| high[left] - low[left] > TOLERANCE) {
            low = self.improve(&low);
            high = self.improve(&high);
        }
        let policy = self.policy(&high);
        Solution {
            at_least: low[self.delay - 1],
            at_most: high[self.delay - 1],
            bad: self.follow(&policy, [0.0, 0.0, 1.0], 0.0),
            lost_blocks: self.follow(&policy, [0.0; 3], 1.0),
            withholds_own: policy.deciding[1],
            withholds_early: policy.early.contains(&true),
        }
    }

    /// One round of value iteration. `values[k]` is what is lost when a slot begins and `k` blocks
    /// come before the deciding one.
    fn improve(&self, values: &[f64]) -> Vec<f64> {
        let value = |left: usize| {
            let withheld = self.block_price + values[left];
            let (others, own) = match left.checked_sub(1) {
                Some(next) => (values[next], values[next].min(withheld)),
                None => (self.draw.expected(), self.best_of_outcomes(withheld)),
            };
            (1.0 - self.slots) * others + self.slots * own
        };
        (0..self.delay).map(value).collect()
    }

    /// The attacker sees the outcome before anybody else.
    fn best_of_outcomes(&self, withheld: f64) -> f64 {
        let outcomes = self.draw.outcomes();
        outcomes
            .iter()
            .map(|(p, loss)| p * loss.min(withheld))
            .sum()
    }

    /// He withholds only where that is better, not where it is as good.
    fn policy(&self, values: &[f64]) -> Policy {
        let gains = |published: f64, left: usize| {
            self.block_price + values[left] < published - 1e3 * TOLERANCE
        };
        Policy {
            deciding: self.draw.outcomes().map(|(_, loss)| gains(loss, 0)),
            early: (1..self.delay)
                .map(|left| gains(values[left - 1], left))
                .collect(),
        }
    }

    /// What a policy comes to on average, where an outcome counts `worth` and a withheld block
    /// `per_block`.
    fn follow(&self, policy: &Policy, worth: [f64; 3], per_block: f64) -> f64 {
        let mut values = vec![0.0; self.delay];
        loop {
            let next = self.follow_once(policy, worth, per_block, &values);
            let moved = |(old, new): (&f64, &f64)| (old - new).abs() > TOLERANCE / 10.0;
            let done = !values.iter().zip(&next).any(moved);
            values = next;
            if done {
                return values[self.delay - 1];
            }
        }
    }

    fn follow_once(
        &self,
        policy: &Policy,
        worth: [f64; 3],
        per_block: f64,
        values: &[f64],
    ) -> Vec<f64> {
        let probabilities = self.draw.outcomes().map(|(p, _)| p);
        let decided = |withheld: f64, attacker: bool| -> f64 {
            let outcome = |k: usize| match attacker && policy.deciding[k] {
                true => probabilities[k] * withheld,
                false => probabilities[k] * worth[k],
            };
            (0..3).map(outcome).sum()
        };
        let value = |left: usize| {
            let withheld = per_block + values[left];
            let (others, own) = match left.checked_sub(1) {
                Some(next) if policy.early[next] => (values[next], withheld),
                Some(next) => (values[next], values[next]),
                None => (decided(withheld, false), decided(withheld, true)),
            };
            (1.0 - self.slots) * others + self.slots * own
        };
        (0..self.delay).map(value).collect()
    }
}
