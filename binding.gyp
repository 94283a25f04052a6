# The addon from source, against the system's shared libraries: the development build. Sources are every
# .c file of the layers' folders (scripts/addon-config.js), the same rule as in CMakeLists.txt.
{
  'variables': { 'candor_test_hooks%': 0 },
  'targets': [{
    'target_name': 'candor',
    'sources': ['<!@(node scripts/addon-config.js)'],
    'include_dirs': ['native', 'native/include'],
    'defines': [
      'NAPI_VERSION=8',
      'NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED',
      '_GNU_SOURCE',
      'NDEBUG',
    ],
    'cflags': [
      '<!@(pkg-config --cflags libcurl openssl sqlite3 zlib)',
      '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Wvla', '-Werror',
      '-Wunused-parameter', '-fvisibility=hidden',
    ],
    'cflags_c': ['-std=c11', '-O2'],
    'cflags!': ['-O3'],
    # libcrypto is Node's own, which it exports for addons: a second one would be loaded for nothing.
    'libraries': ['<!@(pkg-config --libs sqlite3 zlib)', '-lm'],
    # A symbol that is missing must fail the load, which the API survives, not a later call.
    'ldflags': ['-Wl,-z,relro', '-Wl,-z,now'],
    'configurations': { 'Release': { 'cflags!': ['-O3'] } },
    'conditions': [
      ['candor_test_hooks==1', { 'defines': ['CANDOR_TEST_HOOKS'] }],
      ['OS=="mac"', {
        'xcode_settings': {
          'GCC_C_LANGUAGE_STANDARD': 'c11',
          'GCC_OPTIMIZATION_LEVEL': '2',
          'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
        },
      }],
    ],
  }],
}
