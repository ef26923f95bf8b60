//! Every option of Traefik's that is documented: taken, from each source, with an effect that shows.
