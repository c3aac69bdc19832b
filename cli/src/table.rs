//! Tables for people: aligned columns, two spaces between them, no lines.
//!
//! The width of a table depends on what it holds, never on the terminal, so that what a script or
//! a colleague sees is what you see. Scripts had better take `--json`.

use comfy_table::{presets, CellAlignment, ColumnConstraint, ContentArrangement, Width};

/// Where sentences are folded.
const WIDTH: u16 = 120;
/// Between columns.
const GAP: u16 = 2;

/// The head of a column, and how it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    /// Names: as wide as the widest.
    Left(&'static str),
    /// Numbers: as wide as the widest, with their ends below each other.
    Right(&'static str),
    /// Sentences: folded to fit, at least so wide.
    Folded(&'static str, u16),
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Self::Left(name) | Self::Right(name) | Self::Folded(name, _) => name,
        }
    }

    fn apply(self, column: &mut comfy_table::Column) {
        column.set_padding((0, GAP));
        match self {
            Self::Left(_) => {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            Self::Right(_) => {
                column.set_constraint(ColumnConstraint::ContentWidth);
                column.set_cell_alignment(CellAlignment::Right);
            }
            Self::Folded(_, least) => {
                let least = Width::Fixed(least.saturating_add(GAP));
                column.set_constraint(ColumnConstraint::LowerBoundary(least));
            }
        }
    }
}

/// A table with a line of heads.
pub(crate) fn table<const N: usize>(columns: [Column; N], rows: Vec<[String; N]>) -> String {
    let mut table = empty();
    table.set_header(columns.map(Column::name));
    table.add_rows(rows);
    for (index, column) in columns.into_iter().enumerate() {
        if let Some(of_table) = table.column_mut(index) {
            column.apply(of_table);
        }
    }
    table.trim_fmt()
}

/// Names and values, one pair a line.
pub(crate) fn facts<N: AsRef<str>>(rows: &[(N, String)]) -> String {
    let widest = rows.iter().map(|(name, _)| name.as_ref().len()).max();
    let width = widest.unwrap_or_default();
    let lines = rows.iter().map(|(name, value)| {
        let line = format!("{:<width$}  {value}", name.as_ref());
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn empty() -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_they_hold_and_numbers_end_together() {
        let rows = vec![
            ["1".into(), "open".into(), "0.5 CU".into()],
            ["12".into(), "settled".into(), "10.25 CU".into()],
        ];
        let columns = [
            Column::Right("JOB"),
            Column::Left("STATE"),
            Column::Right("SIZE"),
        ];
        let expected = "\
JOB  STATE        SIZE
  1  open       0.5 CU
 12  settled  10.25 CU";
        assert_eq!(table(columns, rows), expected);
    }

    #[test]
    fn names_are_never_folded_however_long() {
        let long = "x".repeat(200);
        let text = table([Column::Left("NAME")], vec![[long.clone()]]);
        assert_eq!(text, format!("NAME\n{long}"));
    }

    #[test]
    fn sentences_are_folded_between_words() {
        let sentence = "word ".repeat(60).trim_end().to_owned();
        let columns = [Column::Left("RULE"), Column::Folded("MEANING", 40)];
        let text = table(columns, vec![["paid".into(), sentence]]);
        assert!(text.lines().all(|line| line.len() <= usize::from(WIDTH)));
        assert_eq!(text.matches("word").count(), 60);
    }

    #[test]
    fn facts_are_aligned_and_end_without_spaces() {
        let rows = [("bond", "1 MZN".to_owned()), ("free bond", String::new())];
        assert_eq!(facts(&rows), "bond       1 MZN\nfree bond");
        assert_eq!(facts::<&str>(&[]), "");
    }
}
