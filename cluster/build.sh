# Installs what is missing and builds. Sourced (bash) by cluster/local and tests/run, which set
#     root      the checkout, an absolute path
#     program   the script's name, for its lines on stderr
# and call build_for_use or build_for_tests; then $build is the folder that was built in and $source what it was built from.
#
# The build stands in build/ of the checkout (the sanitized one in build/sanitized). Where the checkout cannot be written, or
# its path holds characters that make and libtool cannot take, it is copied to a folder of the user's cache and built there.

build_sources=(core apps tests cluster configure.ac Makefile.am VERSION rankfold.pc.in README.md LICENSE)

say()
{
    printf '%s: %s\n' "$program" "$*" >&2
}

fail()
{
    local status=$1
    shift
    say "$@"
    exit "$status"
}

have_tool()
{
    command -v "$1" > /dev/null 2>&1
}

# What this process may use; nproc would take OpenMP's word for it.
cores()
{
    env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc
}

# ---- where ----

safe_path()
{
    [[ $1 != *[!A-Za-z0-9_./+:@,~-]* ]]
}

# The checkout itself, when it can take the build.
in_checkout()
{
    safe_path "$root" && [ -w "$root" ] && { [ ! -e "$root/build" ] || { [ -w "$root/build" ] && [ -O "$root/build" ]; }; }
}

# A private folder for copies of this checkout: the first place of the user's that exists and can be used.
cache_folder()
{
    local place name
    name=rankfold-$(id -u)-$(printf %s "$root" | cksum | tr -d ' ')
    for place in "${XDG_CACHE_HOME:-}" "${TMPDIR:-}" /tmp /var/tmp; do
        [ -n "$place" ] && safe_path "$place" && mkdir -p "$place" 2>/dev/null && [ -w "$place" ] || continue
        mkdir -m 700 "$place/$name" 2>/dev/null
        if [ -d "$place/$name" ] && [ ! -L "$place/$name" ] && [ -O "$place/$name" ]; then
            printf %s "$place/$name"
            return
        fi
    done
    return 1
}

# Sets source, and build for the variant: "" or "sanitized".
build_places()
{
    local variant=$1
    source=$root
    if ! in_checkout; then
        source=$(cache_folder) || fail 73 "no folder to build in: $root, XDG_CACHE_HOME, TMPDIR and /tmp cannot be used"
        source=$source/rankfold
    fi
    build=$source/build${variant:+/$variant}
}

# ---- whether ----

# The stamp is as old as the moment before make began, and says what it was built from: a checkout that was moved is built anew.
fresh()
{
    [ -f "$build/stamp" ] && [ "$(< "$build/stamp")" = "$root" ] && have_tool "${MPIRUN:-mpirun}" &&
        [ -z "$(find "$root"/{core,apps,cluster/build.sh,configure.ac,Makefile.am,VERSION,rankfold.pc.in} \
                     -newer "$build/stamp" -print -quit 2>&1)" ]
}

# ---- what it takes ----

# Asks the compiler, so that headers that were not installed by a package count too.
have_header()
{
    have_tool cc && printf '#include <%s>\n' "$1" | cc ${CPPFLAGS-} -E -o /dev/null -x c - 2>/dev/null
}

msgpack_package()
{
    if apt-cache show libmsgpack-c-dev >/dev/null 2>&1; then
        echo libmsgpack-c-dev
    else
        echo libmsgpack-dev
    fi
}

# One Debian package a line for each thing that is missing.
missing_packages()
{
    have_tool cc || echo gcc
    have_header stdio.h || echo libc6-dev
    have_tool make || echo make
    have_tool autoconf || echo autoconf
    have_tool automake || echo automake
    have_tool libtoolize || echo libtool
    have_tool pkg-config || echo pkg-config
    have_tool "${MPICC:-mpicc}" || echo libopenmpi-dev
    have_tool "${MPIRUN:-mpirun}" || echo openmpi-bin
    have_header zlib.h || echo zlib1g-dev
    have_header msgpack.h || msgpack_package
    have_header xxhash.h || echo libxxhash-dev
    have_header check.h || echo check
}

# Runs a step with its output in a log whose end is shown when it fails.
step()
{
    local status=$1 line=$2
    shift 2
    say "$line"
    echo "== $*" >> "$log"
    "$@" >> "$log" 2>&1 < /dev/null && return
    tail -n 20 "$log" >&2
    fail "$status" "failed: $line (all of its output: $log)"
}

# apt-get, as root or through a sudo that asks for no password; otherwise the user is told the line to run.
install_missing()
{
    local packages apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300)
    packages=$(missing_packages | tr '\n' ' ')
    packages=${packages% }
    [ -n "$packages" ] || return 0
    have_tool apt-get || fail 69 "missing, please install: the equivalents of Debian's $packages"
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || {
            say "missing: $packages. Please run:"
            echo "sudo apt-get install -y --no-install-recommends $packages" >&2
            exit 69
        }
        apt=(sudo -n "${apt[@]}")
    fi
    step 69 "looking for packages" "${apt[@]}" update
    packages=$(missing_packages | tr '\n' ' ')    # with the lists at hand msgpack's name is known
    packages=${packages% }
    step 69 "installing $packages" "${apt[@]}" install --no-install-recommends $packages
}

# ---- how ----

copy_checkout()
{
    local entry
    for entry in "${build_sources[@]}"; do
        rm -rf "${source:?}/$entry"
        cp -Rp "$root/$entry" "$source/$entry" || return
    done
    chmod -R u+w "$source"
}

generate()
{
    (cd "$source" && autoreconf --install)
}

configure()
{
    local from=..
    [ "$variant" = "" ] || from=../..
    (cd "$build" && "$from/configure" ${variant:+--enable-sanitizers})
}

make_quietly()
{
    make -s --no-print-directory -C "$build" -j "$(cores)" "$@"
}

build_under_lock()
{
    log=$build/build.log
    : > "$log" || fail 73 "cannot write $log"
    install_missing
    if [ -f "$build/stamp" ] && [ "$(< "$build/stamp")" != "$root" ]; then
        say "the checkout was moved: building anew"
        find "$build" -mindepth 1 -maxdepth 1 ! -name lock ! -name build.log -exec rm -rf {} +
    fi
    printf %s "$root" > "$build/stamp.new"
    [ "$source" = "$root" ] || step 73 "copying the sources to $source" copy_checkout
    if [ ! -x "$source/configure" ] || [ ! -f "$source/Makefile.in" ]; then
        step 70 "preparing configure" generate
    fi
    [ -f "$build/Makefile" ] || step 70 "configuring" configure
    step 70 "building in $build" make_quietly all
    mv -f "$build/stamp.new" "$build/stamp"
}

# One build at a time in a source folder: two variants share what autoreconf writes. The lock is held on descriptor 9.
build_lock()
{
    mkdir -p "$build" && exec 9> "$source/build/lock" || fail 73 "cannot write in $build"
    flock -n 9 || {
        say "waiting for another build of $source"
        flock 9
    }
}

# What cluster/local needs. A fresh build is used as it is, also one that somebody else made in a checkout that is read-only.
build_for_use()
{
    variant=
    build=$root/build source=$root
    fresh && return
    build_places ""
    fresh && return
    build_lock
    fresh || build_under_lock
    exec 9>&-
}

# What tests/run needs: a build of the user's own, and the lock, which stays held while the tests run in it.
build_for_tests()
{
    variant=$1
    build_places "$variant"
    build_lock
    [ "$source" = "$root" ] && fresh || build_under_lock    # a copy is not to miss what was changed in the tests
}
