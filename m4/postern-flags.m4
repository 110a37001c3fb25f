# POSTERN_TRY_CFLAG(VARIABLE, FLAG): append FLAG to VARIABLE when the compiler knows it.
AC_DEFUN([POSTERN_TRY_CFLAG], [
    AC_MSG_CHECKING([whether $CC knows $2])
    postern_saved=$CFLAGS
    CFLAGS="$CFLAGS -Werror $2"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
        [AC_MSG_RESULT([yes]); $1="$$1 $2"], [AC_MSG_RESULT([no])])
    CFLAGS=$postern_saved])

AC_DEFUN([POSTERN_WARNINGS], [
    AM_CFLAGS="-std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes"
    AM_CFLAGS="$AM_CFLAGS -Wold-style-definition -Wpointer-arith -Wcast-align -Wcast-qual -Wwrite-strings"
    AM_CFLAGS="$AM_CFLAGS -Wformat=2 -Wundef -Wvla -Wnull-dereference -Wdouble-promotion"
    AM_CFLAGS="$AM_CFLAGS -Wimplicit-fallthrough -Wredundant-decls -Wnested-externs -Wswitch-enum -Walloca"
    AM_CFLAGS="$AM_CFLAGS -Wno-unused-parameter -Wno-missing-field-initializers"
    for flag in -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wjump-misses-init \
        -Wimplicit-fallthrough=5 -Warith-conversion; do
        POSTERN_TRY_CFLAG([AM_CFLAGS], [$flag])
    done
    AS_IF([test "$enable_werror" = yes], [AM_CFLAGS="$AM_CFLAGS -Werror"])])

AC_DEFUN([POSTERN_HARDENING], [
    AM_CPPFLAGS="-DG_DISABLE_DEPRECATED -DGLIB_VERSION_MIN_REQUIRED=GLIB_VERSION_2_74"
    AM_CPPFLAGS="$AM_CPPFLAGS -DGLIB_VERSION_MAX_ALLOWED=GLIB_VERSION_2_74"
    AM_CFLAGS="$AM_CFLAGS -fno-common -fvisibility=hidden -fstack-protector-strong"
    POSTERN_TRY_CFLAG([AM_CFLAGS], [-fstack-clash-protection])
    POSTERN_TRY_CFLAG([AM_CFLAGS], [-fcf-protection])
    AM_LDFLAGS="-Wl,-z,relro -Wl,-z,now"
    AS_IF([test -n "$sanitizers"],
        [AM_CFLAGS="$AM_CFLAGS -fsanitize=$sanitizers -fno-sanitize-recover=all -fno-omit-frame-pointer"
         AM_LDFLAGS="$AM_LDFLAGS -fsanitize=$sanitizers"],
        [AM_CPPFLAGS="$AM_CPPFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])])
