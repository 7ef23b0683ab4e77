//! What `nft list` prints, as text or as JSON, read into the node's tables.

mod condition;
mod cursor;
mod element;
mod extent;
mod foreign;
mod gap;
mod json;
mod number;
mod priority;
mod remark;
mod rule;
mod selector;
mod set;
mod settle;
mod text;
mod token;
mod translation;
mod verdict;

#[cfg(test)]
mod tests;

use super::Reading;
use remark::Remarks;

/// Reads `text`, which is nft's and starts at this line of the listing `name`, into `reading`.
pub(super) fn read(name: &str, first_line: usize, text: &str, reading: &mut Reading) {
    let mut remarks = Remarks::on(name);
    let read = match text.trim_start().starts_with(['{', '[']) {
        true => json::read(first_line, text, &mut remarks),
        false => text::read(first_line, text, &mut remarks),
    };
    let mut tables = settle::Tables::new(&mut reading.state.tables);
    read.into_iter().for_each(|(line, table)| tables.settle(table, line, &mut remarks));
    reading.notes.extend(remarks.into_notes());
}
