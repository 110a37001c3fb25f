# postern.m4 - for the configure.ac of a plugin that is built outside of postern's tree.
#
#     PKG_PROG_PKG_CONFIG
#     LT_INIT([dlopen disable-static])
#     POSTERN_PLUGIN_INIT([1.0])
#
# and in its Makefile.am (Automake wants to see the -module itself):
#
#     plugin_LTLIBRARIES = acme.la
#     acme_la_SOURCES = acme.c
#     acme_la_CFLAGS = $(POSTERN_PLUGIN_CFLAGS)
#     acme_la_LDFLAGS = -module $(POSTERN_PLUGIN_LDFLAGS)
#     acme_la_LIBADD = $(POSTERN_PLUGIN_LIBS)
#
# serial 1

# POSTERN_PLUGIN_INIT(ABI): the plugin needs a host of at least that ABI, "MAJOR.MINOR".
# Sets and substitutes:
#   POSTERN_PLUGIN_CFLAGS   where the contract and GLib are
#   POSTERN_PLUGIN_LIBS     GLib
#   POSTERN_PLUGIN_LDFLAGS  how libtool links a plugin: one dynamic symbol, bound at once, nothing undefined
#   plugindir               where to install it: below --prefix, or --with-postern-plugindir
AC_DEFUN([POSTERN_PLUGIN_INIT], [
    AC_REQUIRE([PKG_PROG_PKG_CONFIG])
    m4_if([$1], [], [m4_fatal([POSTERN_PLUGIN_INIT needs the ABI of the oldest host, like 1.0])])
    postern_major=m4_bpatsubst([$1], [\..*], [])
    postern_minor=m4_bpatsubst([$1], [.*\.], [])
    postern_package=postern-plugin-$postern_major
    PKG_CHECK_MODULES([POSTERN_PLUGIN], [$postern_package], [],
        [AC_MSG_ERROR([$postern_package.pc was not found: install postern, or name its directory in PKG_CONFIG_PATH])])
    AC_MSG_CHECKING([whether postern has plugin ABI $1])
    postern_has=`$PKG_CONFIG --variable=abi_minor $postern_package`
    AS_IF([test "$postern_has" -ge "$postern_minor"], [AC_MSG_RESULT([yes ($postern_major.$postern_has)])],
        [AC_MSG_RESULT([no])
         AC_MSG_ERROR([this plugin needs plugin ABI $1, the installed postern has $postern_major.$postern_has])])
    POSTERN_PLUGIN_CFLAGS="$POSTERN_PLUGIN_CFLAGS -fvisibility=hidden"
    POSTERN_PLUGIN_LDFLAGS="-module -avoid-version -shared -no-undefined -Wl,-z,defs -Wl,-z,now -Wl,-z,relro"
    POSTERN_PLUGIN_LDFLAGS="$POSTERN_PLUGIN_LDFLAGS -export-symbols-regex '_LTX_postern_plugin_v@<:@0-9@:>@+\$\$'"
    AC_SUBST([POSTERN_PLUGIN_LDFLAGS])
    AC_ARG_WITH([postern-plugindir],
        [AS_HELP_STRING([--with-postern-plugindir=DIR],
            [where to install the plugin @<:@LIBDIR/postern/plugins@:>@; `pkg-config --variable=plugindir
             postern-plugin-1` is where the installed postern looks])],
        [plugindir=$withval], [plugindir='${libdir}/postern/plugins'])
    AC_SUBST([plugindir])
])
