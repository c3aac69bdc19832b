//! Reading the committed weights.

use anyhow::{ensure, Context, Result};
use std::{collections::BTreeMap, path::Path};

/// What one generated function declares for the computation alone, in picoseconds. Reads and
/// writes of the database come on top and are not measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Declared {
    base: u128,
    /// For each unit of a component, by its name.
    slopes: BTreeMap<String, u128>,
}

impl Declared {
    /// For these values of the components.
    pub(crate) fn at(&self, components: &[(String, u32)]) -> u128 {
        let slope = |(name, value): &(String, u32)| {
            self.slopes.get(name).copied().unwrap_or_default() * u128::from(*value)
        };
        self.base + components.iter().map(slope).sum::<u128>()
    }
}

/// What a generated file declares, by the names of its functions.
pub(crate) fn read(file: &Path) -> Result<BTreeMap<String, Declared>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{}: can't be read; run scripts/weights", file.display()))?;
    parse(&text).with_context(|| format!("{}: not as the template writes it", file.display()))
}

/// Comments and white space mean nothing, so that formatting changes nothing.
fn parse(text: &str) -> Result<BTreeMap<String, Declared>> {
    let code: String = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    let mut functions = BTreeMap::new();
    for function in code.split("fn").filter(|part| part.contains(")->Weight{")) {
        let (name, body) = function.split_once('(').context("a function without (")?;
        functions.insert(name.to_owned(), declared(body).context(name.to_owned())?);
    }
    ensure!(!functions.is_empty(), "no function gives a Weight");
    Ok(functions)
}

/// Every `Weight::from_parts(TIME,..)` is a part of the base, or of a slope when
/// `saturating_mul(NAME.into())` follows.
fn declared(body: &str) -> Result<Declared> {
    let mut declared = Declared::default();
    for part in body.split("Weight::from_parts(").skip(1) {
        let (time, rest) = part.split_once(',').context("a weight without a comma")?;
        let time: u128 = time.replace('_', "").parse().context("not a number")?;
        let (_, rest) = rest.split_once(')').context("a weight without an end")?;
        match rest.strip_prefix(".saturating_mul(") {
            Some(factor) => {
                let (name, _) = factor.split_once(".into()").context("an unknown factor")?;
                *declared.slopes.entry(name.to_owned()).or_default() += time;
            }
            None => declared.base += time,
        }
    }
    Ok(declared)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
        // fn not_this() -> Weight { Weight::from_parts(1, 0) }
        fn plain() -> Weight {
            Weight::from_parts(12_000, 0)
                .saturating_add(Weight::from_parts(0, 3_593))
                .saturating_add(T::DbWeight::get().reads(2))
        }
        fn linear(o: u32, b: u32) -> Weight {
            Weight::from_parts(7_000, 0)
                .saturating_add(
                    Weight::from_parts(5, 0).saturating_mul(o.into()),
                )
                .saturating_add(Weight::from_parts(0, 9).saturating_mul(b.into()))
        }";

    #[test]
    fn computation_is_read_without_the_database() {
        let functions = parse(FILE).unwrap();
        assert_eq!(functions.len(), 2);
        assert_eq!(functions["plain"].at(&[]), 12_000);
        let worst = [("o".to_owned(), 10), ("b".to_owned(), 4)];
        assert_eq!(functions["linear"].at(&worst), 7_050);
    }

    #[test]
    fn file_without_weights_is_refused() {
        assert!(parse("pub struct WeightInfo;").is_err());
    }
}
