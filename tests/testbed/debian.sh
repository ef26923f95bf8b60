# Trees of other Debian releases, for what this machine's own release does not have. To be sourced.
#
#   debian_mirror SUITE    prints the first of apt's mirrors that carries the release

debian_mirror() {
    local found
    for found in $(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sort -u); do
        if curl -fsSL --max-time 30 "${found%/}/dists/$1/Release" 2>/dev/null |
            grep -x 'Label: Debian' >/dev/null; then
            echo "${found%/}"
            return
        fi
    done
    return 1
}
