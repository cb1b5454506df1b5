//! A TOML fragment merged into a file, and taken out again. The file's comments, order and spelling stay.

use super::edit::Unfit;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, TableLike, Value};

/// What entries of an array of tables are told apart by.
const NAME: &str = "name";
/// The key by which an entry claims to be the one that counts first.
const DEFAULT: &str = "default";

fn document(text: &str, what: &str) -> Result<DocumentMut, Unfit> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        Unfit(format!("{what} is no TOML: {}", error.to_string().trim().replace('\n', " ")))
    })
}

/// The file's text with every key of the fragment in it.
pub(super) fn merge(text: &str, fragment: &str) -> Result<String, Unfit> {
    let mut file = document(text, "it")?;
    let fragment = document(fragment, "the change")?;
    let before = file.to_string();
    merge_table(file.as_table_mut(), fragment.as_table(), "")?;
    let after = file.to_string();
    if after == before {
        return Ok(text.to_owned());
    }
    // What was written must say what was meant, whatever form the file had.
    let read: toml::Table =
        after.parse().map_err(|_| Unfit("the change does not fit its form; set the keys by hand".into()))?;
    let meant: toml::Table =
        fragment.to_string().parse().map_err(|_| Unfit("the change is no TOML".into()))?;
    if !holds(&toml::Value::Table(read), &toml::Value::Table(meant)) {
        return Err(Unfit("the change does not fit its form; set the keys by hand".into()));
    }
    Ok(after)
}

/// Whether every key of `part` stands in `whole`; entries of arrays of tables are sought by name.
fn holds(whole: &toml::Value, part: &toml::Value) -> bool {
    match (whole, part) {
        (toml::Value::Table(whole), toml::Value::Table(part)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|found| holds(found, value)))
        }
        (toml::Value::Array(whole), toml::Value::Array(part)) => {
            part.iter().all(|value| whole.iter().any(|found| holds(found, value)))
        }
        _ => whole == part,
    }
}

fn merge_table(file: &mut dyn TableLike, fragment: &dyn TableLike, path: &str) -> Result<(), Unfit> {
    for (key, wanted) in fragment.iter() {
        let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        let Some(found) = file.get_mut(key).filter(|found| !found.is_none()) else {
            file.insert(key, placed_last(wanted));
            continue;
        };
        if let Some(wanted) = wanted.as_array_of_tables() {
            merge_entries(found, wanted, &path)?;
        } else if let Some(wanted) = wanted.as_table_like() {
            let below = found.as_table_like_mut();
            let below =
                below.ok_or_else(|| Unfit(format!("its `{path}` is no table; set the keys by hand")))?;
            merge_table(below, wanted, &path)?;
        } else if !same(found, wanted) {
            if found.is_table() || found.is_array_of_tables() {
                return Err(Unfit(format!("its `{path}` is a table; set the keys by hand")));
            }
            replace_value(found, wanted);
        }
    }
    Ok(())
}

/// Each entry takes the place of the one of its name, or comes first when another entry claims to be the
/// default, or last.
fn merge_entries(found: &mut Item, wanted: &ArrayOfTables, path: &str) -> Result<(), Unfit> {
    for entry in wanted {
        let name = entry.get(NAME).and_then(Item::as_str).unwrap_or_default().to_owned();
        if let Some(entries) = found.as_array_of_tables_mut() {
            let same_name = |table: &Table| table.get(NAME).and_then(Item::as_str) == Some(&name);
            if let Some(own) = entries.iter_mut().find(|table| same_name(table)) {
                if !equal_tables(own, entry) {
                    let place = own.position();
                    let decor = own.decor().clone();
                    *own = entry.clone();
                    own.set_position(place);
                    *own.decor_mut() = decor;
                }
                continue;
            }
            let rival = entries.iter().any(|table| table.get(DEFAULT).and_then(Item::as_bool) == Some(true));
            let mut entry = entry.clone();
            entry.set_position(None);
            if rival {
                let rest: Vec<Table> = entries.iter().cloned().collect();
                entry.set_position(rest.first().and_then(Table::position));
                entries.clear();
                entries.push(entry);
                rest.into_iter().for_each(|table| entries.push(table));
            } else {
                entries.push(entry);
            }
        } else if let Some(array) = found.as_array_mut() {
            let table = entry.clone().into_inline_table();
            let same_name = |value: &Value| {
                value.as_inline_table().and_then(|table| table.get(NAME)).and_then(Value::as_str)
                    == Some(&name)
            };
            let place = array.iter().position(same_name);
            match place {
                Some(at) => {
                    if array.get(at).map(|value| value.to_string().trim().to_owned())
                        != Some(table.to_string())
                    {
                        array.replace(at, Value::InlineTable(table));
                    }
                }
                None => array.insert(0, Value::InlineTable(table)),
            }
        } else {
            return Err(Unfit(format!("its `{path}` is no list of tables; set it by hand")));
        }
    }
    Ok(())
}

/// A copy that is written behind everything else, since it has no place in the file yet.
fn placed_last(item: &Item) -> Item {
    fn forget(table: &mut Table) {
        table.set_position(None);
        for (_, item) in table.iter_mut() {
            match item {
                Item::Table(table) => forget(table),
                Item::ArrayOfTables(entries) => entries.iter_mut().for_each(forget),
                _ => {}
            }
        }
    }
    let mut item = item.clone();
    match &mut item {
        Item::Table(table) => forget(table),
        Item::ArrayOfTables(entries) => entries.iter_mut().for_each(forget),
        _ => {}
    }
    item
}

fn replace_value(found: &mut Item, wanted: &Item) {
    let decor = found.as_value().map(|value| value.decor().clone());
    *found = wanted.clone();
    if let (Some(decor), Some(value)) = (decor, found.as_value_mut()) {
        *value.decor_mut() = decor;
    }
}

/// Whether two items say the same, however they are written.
fn same(left: &Item, right: &Item) -> bool {
    let plain = |item: &Item| {
        let mut root = Table::new();
        root.insert("x", placed_last(item));
        let mut document = DocumentMut::new();
        *document.as_table_mut() = root;
        document.to_string().parse::<toml::Table>().ok()
    };
    plain(left).is_some_and(|left| Some(left) == plain(right))
}

fn equal_tables(left: &Table, right: &Table) -> bool {
    same(&Item::Table(left.clone()), &Item::Table(right.clone()))
}

/// The file's text with the fragment's keys as they were in `original`, as far as they still say what the
/// fragment says; the others are named in `kept`.
pub(super) fn unmerge(
    text: &str,
    fragment: &str,
    original: &str,
    kept: &mut Vec<String>,
) -> Result<String, Unfit> {
    let mut file = document(text, "it")?;
    let fragment = document(fragment, "the change")?;
    let original = document(original, "the file as it was")?;
    unmerge_table(file.as_table_mut(), fragment.as_table(), Some(original.as_table()), kept);
    Ok(file.to_string())
}

fn unmerge_table(
    file: &mut dyn TableLike,
    fragment: &dyn TableLike,
    original: Option<&dyn TableLike>,
    kept: &mut Vec<String>,
) {
    for (key, ours) in fragment.iter() {
        let was = original.and_then(|original| original.get(key));
        let Some(found) = file.get_mut(key) else { continue };
        if let Some(ours) = ours.as_array_of_tables() {
            unmerge_entries(found, ours, was);
            let empty = found.as_array_of_tables().is_some_and(ArrayOfTables::is_empty)
                || found.as_array().is_some_and(toml_edit::Array::is_empty);
            if empty && was.is_none() {
                file.remove(key);
            }
        } else if let Some(ours) = ours.as_table_like() {
            let Some(below) = found.as_table_like_mut() else { continue };
            unmerge_table(below, ours, was.and_then(Item::as_table_like), kept);
            if below.is_empty() && was.is_none() {
                file.remove(key);
            }
        } else if same(found, ours) {
            match was {
                Some(was) if was.is_value() => replace_value(found, was),
                Some(_) => {}
                None => {
                    file.remove(key);
                }
            }
        } else if !was.is_some_and(|was| same(found, was)) {
            kept.push(key.to_owned());
        }
    }
}

fn unmerge_entries(found: &mut Item, ours: &ArrayOfTables, was: Option<&Item>) {
    for entry in ours {
        let name = entry.get(NAME).and_then(Item::as_str).unwrap_or_default();
        if let Some(entries) = found.as_array_of_tables_mut() {
            let before = was.and_then(Item::as_array_of_tables).and_then(|before| {
                before.iter().find(|table| table.get(NAME).and_then(Item::as_str) == Some(name))
            });
            let Some(at) = entries.iter().position(|table| equal_tables(table, entry)) else { continue };
            match (before, entries.get_mut(at)) {
                (Some(before), Some(own)) => {
                    let place = own.position();
                    *own = before.clone();
                    own.set_position(place);
                }
                _ => {
                    entries.remove(at);
                }
            }
        } else if let Some(array) = found.as_array_mut() {
            let ours = entry.clone().into_inline_table().to_string();
            let Some(at) = array.iter().position(|value| value.to_string().trim() == ours) else { continue };
            let before = was.and_then(Item::as_array).and_then(|before| {
                before.iter().find(|value| {
                    value.as_inline_table().and_then(|table| table.get(NAME)).and_then(Value::as_str)
                        == Some(name)
                })
            });
            match before {
                Some(before) => {
                    array.replace(at, before.clone());
                }
                None => {
                    array.remove(at);
                }
            }
        }
    }
}
