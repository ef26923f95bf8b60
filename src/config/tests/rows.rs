//! Every documented option: taken, from each source, with an effect that shows.
