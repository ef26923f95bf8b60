//! Which known word did the user mean: the suggestion behind every "unknown option" message.

/// The known word with the fewest edits from `word`, if it is near enough to be a slip.
///
/// Case does not count: the difference in case alone is the nearest slip of all. A suggestion
/// further off than a third of the word, or more than three edits, would be a guess.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded: Vec<char> = word.to_lowercase().chars().take(LONGEST).collect();
    let allowed = (folded.len() / 3).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let other: Vec<char> = candidate.to_lowercase().chars().collect();
        if other.len().abs_diff(folded.len()) > allowed {
            continue;
        }
        let edits = distance(&folded, &other);
        if edits <= allowed && best.is_none_or(|(least, _)| edits < least) {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// No known word is longer; the bound keeps a hostile label from costing quadratic time.
const LONGEST: usize = 96;

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, &y) in b.iter().enumerate() {
            let change = last[j] + usize::from(x != y);
            row[j + 1] = change.min(row[j] + 1).min(last[j + 1] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_refuses_guesses() {
        let known = ["Host", "Path", "PathPrefix", "docker.swarmmode"];
        assert_eq!(nearest("Hots", known), Some("Host"));
        assert_eq!(nearest("pathprefix", known), Some("PathPrefix"));
        assert_eq!(nearest("docker.swarmmod", known), Some("docker.swarmmode"));
        assert_eq!(nearest("completely.else", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest("é", known), None);
    }
}
