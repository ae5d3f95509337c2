# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2004,SC2034,SC2154 # variables are shared with scripts/bench
#
# Part of scripts/bench: finds what the jobs need, and finds and installs the peers.

# What the jobs asked for need, and the folders of inputs, a blank on each side of every word.
find_wanted() {
    local table
    table=$(awk -F ' *[|] *' -v only=" ${only[*]} " -v limits="$limits" \
        -v ours_only="$ours_only" '
        /^#/ || NF < 5 { next }
        NR == FNR && (only == "  " || index(only, " " $1 " ")) {
            families[$2] = 1
            if ($4 !~ /small=/) compared[$2] = 1
            sub(/\/.*/, "", $3)
            print "folder", $3
        }
        NR == FNR { next }
        $3 ~ /^part/ && limits != "true" || $3 ~ /^(peer|other)/ && ours_only == "true" { next }
        $1 in compared || ($1 in families && $3 == "ours") { gsub(/,/, " ", $4); print "peer", $4 }
        ' <(jobs) "$helpers/contenders.txt")
    wanted=" $(sed -n 's/^peer //p' <<<"$table" | tr '\n' ' ')"
    folders=$(sed -n 's/^folder //p' <<<"$table" | sort -u | tr '\n' ' ')
}

wants() { [[ $wanted == *" $1 "* ]]; }

# Some machines have stand-ins called convert: believe only what calls itself ImageMagick.
find_imagemagick() {
    local name path
    for name in magick convert-im6.q16 convert; do
        while read -r path; do
            if "$path" -version 2>/dev/null | grep -q '^Version: ImageMagick'; then
                echo "$path"
                return 0
            fi
        done < <(type -aP "$name")
    done
    return 1
}

# A Python of a version manager hides the system's, for which apt installs Pillow and the others.
# find_python MODULE...: the first Python that has numpy, Pillow and these
find_python() {
    local path modules='numpy, PIL.Image' module
    for module; do modules+=", $module"; done
    while read -r path; do
        if "$path" -c "import $modules" 2>/dev/null; then
            echo "$path"
            return 0
        fi
    done < <(type -aP python3)
    return 1
}

# One by one, so that a package that is unknown here does not keep out the others.
apt_install() {
    local as_root=() package
    [ $# -gt 0 ] || return 0
    $install || return 0
    command -v apt-get >/dev/null || { say "no apt-get: not installing $*" && return 0; }
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || { say "not root: run apt-get install $*" && return 0; }
        as_root=(sudo -n)
    fi
    say "installing $*"
    "${as_root[@]}" apt-get update -q >&2 || true
    for package; do
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
            --no-install-recommends "$package" >&2 || say "apt-get cannot install $package"
    done
}

install_packages() {
    local packages=()
    if wants imagemagick && ! find_imagemagick >/dev/null; then packages+=(imagemagick); fi
    if wants vips && ! has_vips; then packages+=(libvips-tools); fi
    find_python >/dev/null || packages+=(python3-pil python3-numpy)
    if wants skimage && ! find_python skimage >/dev/null; then packages+=(python3-skimage); fi
    if wants opencv && ! find_python cv2 >/dev/null; then packages+=(python3-opencv); fi
    [ -e "$photo" ] && [ -e "$photo_8mp" ] && [ -e "$photo_other" ] || packages+=(mate-backgrounds)
    if $callgrind && ! command -v valgrind >/dev/null; then packages+=(valgrind); fi
    if wants djpeg && ! command -v djpeg >/dev/null; then packages+=(libjpeg-turbo-progs); fi
    apt_install "${packages[@]}"
}

has_vips() { command -v vips >/dev/null && command -v vipsthumbnail >/dev/null; }

# Says the versions; fails where sharp cannot be loaded.
sharp_version() {
    # shellcheck disable=SC2016 # the script is JavaScript
    (cd "$npm_folder" && "$node" -p 'const { versions } = require("sharp");
        `${versions.sharp || ""}, libvips ${versions.vips}, node ${process.version}`') 2>/dev/null
}

# Likewise.
culori_version() {
    # shellcheck disable=SC2016 # the script is JavaScript
    (cd "$npm_folder" && "$node" -p 'require("culori").differenceCiede2000;
        `${require("culori/package.json").version}, node ${process.version}`') 2>/dev/null
}

# install_npm PEER PACKAGE...: the first package with which PEER can be loaded
install_npm() {
    local peer=$1 package
    shift
    wants "$peer" || return 0
    [ -n "$node" ] || { reason[$peer]='no node' && return 0; }
    if ! "${peer}_version" >/dev/null && $install; then
        command -v npm >/dev/null || { reason[$peer]='no npm' && return 0; }
        for package; do
            say "installing $package with npm in $npm_folder"
            npm install --prefix "$npm_folder" --no-audit --no-fund --loglevel=error "$package" >&2 || true
            if "${peer}_version" >/dev/null; then break; fi
        done
    fi
    version[$peer]=$("${peer}_version") || reason[$peer]='not installed'
}

# python_peer PEER MODULE: its version in the Python that was chosen
python_peer() {
    version[$1]=$("$python" -c "import sys, $2
print($2.__version__ + ', Python ' + sys.version.split()[0])" 2>/dev/null) ||
        reason[$1]='not installed'
}

# One Python does all jobs: that which has the most. It draws the inputs too.
find_python_peers() {
    local modules=()
    if wants skimage; then modules+=(skimage); fi
    if wants opencv; then modules+=(cv2); fi
    python=$(find_python "${modules[@]}" || find_python skimage || find_python cv2 || find_python) ||
        fail 'needs a python3 with Pillow and numpy (python3-pil, python3-numpy)' 69
    python_peer pillow PIL
    python_peer numpy numpy
    if wants skimage; then python_peer skimage skimage; fi
    if wants opencv; then python_peer opencv cv2; fi
}

find_peers() {
    install_packages
    find_python_peers
    if convert=$(find_imagemagick); then
        version[imagemagick]=$("$convert" -version | sed -n 's/^Version: ImageMagick \([^ ]*\) \([^ ]*\) .*/\1 \2/p')
    else
        reason[imagemagick]='not installed'
    fi
    if has_vips; then
        version[vips]=$(vips --version)
    else
        reason[vips]='not installed'
    fi
    if wants djpeg; then
        version[djpeg]=$(djpeg -version 2>&1 </dev/null | head -n 1) ||
            reason[djpeg]='not installed'
    fi
    node=$(type -P node) || node=''
    install_npm sharp sharp sharp@0.33 # the newest wants a new Node
    install_npm culori culori
}
