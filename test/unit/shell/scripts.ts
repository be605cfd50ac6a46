/**
 * Scripts and what bash does with them. Add a case by adding an entry; the expectation is what bash 5.2 says, and where a
 * bash is installed the test holds the table against it. `t.sh` is the name of the script in messages.
 */
export interface Case {
  name: string;
  script: string;
  stdin?: string;
  /** Files below the working directory. */
  files?: Record<string, string>;
  stdout?: string;
  stderr?: string;
  code?: number;
  /** Why a real bash says something else here, which is then not compared. */
  differs?: string;
}

export const cases: Case[] = [
  {
    name: 'tr',
    script: `printf 'a-b  c\\n' | tr a-c A-C; echo aabbcc | tr -s ab; echo hello | tr -d l; echo 'x1 y2' | tr -cd '[:digit:]\\n'; echo abc | tr -t abc xy; printf 'a b\\n' | tr ' ' '\\n'; tr a 2>/dev/null; echo $?`,
    stdout: 'A-B  C\nabcc\nheo\n12\nxyc\na\nb\n1\n',
  },
  {
    name: 'endless devices',
    script: `head -c 100000 /dev/zero | tr '\\0' x | wc -c; head -c 70000 </dev/zero | wc -c; head -c 5 /dev/zero | tr '\\0' x`,
    stdout: '100000\n70000\nxxxxx',
  },
  {
    name: 'words and quotes',
    script: `x='a  b'; echo $x "$x" '$x' \\$x "a\\"b" a"b"'c'`,
    stdout: 'a b a  b $x $x a"b abc\n',
  },
  { name: 'empty words', script: `e=; printf '<%s>' $e "$e" '' "a$e"; echo`, stdout: '<><><a>\n' },
  {
    name: 'all parameters',
    script: `set -- 'a b' '' c; printf '<%s>' "$@"; printf '<%s>' "$*"; printf '<%s>' $@; echo $#`,
    stdout: '<a b><><c><a b  c><a><b><c>3\n',
  },
  {
    name: 'no parameters',
    script: `set --; printf '<%s>' "$@" end; f() { echo $#; }; f "$@" ; f "x$@"`,
    stdout: '<end>0\n1\n',
  },
  {
    name: 'parameters inside a word',
    script: `set -- 1 2 3; printf '<%s>' "a$@b"; printf '<%s>' "\${@:2}" "\${*:1:2}"; echo`,
    stdout: '<a1><2><3b><2><3><1 2>\n',
  },
  {
    name: 'defaults',
    script: `unset x; echo \${x:-d} \${x-d} \${x:=n} $x \${x:+y} \${y+z}.; y=; echo \${y-d}. \${y:-d}`,
    stdout: 'd d n n y .\n. d\n',
  },
  {
    name: 'quoted default',
    script: `printf '<%s>' \${x:-"a b"} "\${x:-a b}" \${x:-a b}; echo`,
    stdout: '<a b><a b><a><b>\n',
  },
  {
    name: 'required parameter',
    script: `echo a; : \${x:?is missing}; echo b`,
    stdout: 'a\n',
    stderr: 't.sh: line 1: x: is missing\n',
    code: 127,
  },
  {
    name: 'lengths and slices',
    script: `s=hello; echo \${#s} \${s:1} \${s:1:3} \${s: -3} \${s: -3:2} \${s:1:-1}; a=(x yy zzz); echo \${#a[@]} \${#a[2]} \${a[@]:1}`,
    stdout: '5 ello ell llo ll ell\n3 3 yy zzz\n',
  },
  {
    name: 'pattern removal',
    script: `p=/a/b/c.tar.gz; echo \${p##*/} \${p%/*} \${p%%.*} \${p#*/} \${p%.gz}`,
    stdout: 'c.tar.gz /a/b /a/b/c a/b/c.tar.gz /a/b/c.tar\n',
  },
  {
    name: 'replacement',
    script: `s=banana; echo \${s/a/o} \${s//a/o} \${s/#b/B} \${s/%a/A} \${s//[an]} "\${s//a/ }"`,
    stdout: 'bonana bonono Banana bananA b b n n \n',
  },
  {
    name: 'letter case',
    script: `s=hello; t=WORLD; echo \${s^} \${s^^} \${t,} \${t,,} \${s^^[el]}`,
    stdout: 'Hello HELLO wORLD world hELLo\n',
  },
  {
    name: 'indirection',
    script: `a=b; b=c; echo \${!a}; foo1=1 foo2=2; echo \${!foo*}; arr=(x y); echo \${!arr[@]}`,
    stdout: 'c\nfoo1 foo2\n0 1\n',
  },
  {
    name: 'transformations',
    script: `s="it's"; echo \${s@Q} \${s@U}; n=$'a\\tb'; printf '%q\\n' "$n" 'a b'`,
    stdout: "'it'\\''s' IT'S\n$'a\\tb'\na\\ b\n",
  },
  {
    name: 'arrays',
    script: `a=(1 2 3); a+=(4); a[7]=x; echo "\${a[@]}" \${!a[@]} \${#a[@]} \${a[-1]}; unset 'a[1]'; echo \${a[*]}; b=("\${a[@]}"); echo \${#b[@]}`,
    stdout: '1 2 3 4 x 0 1 2 3 7 5 x\n1 3 4 x\n4\n',
  },
  {
    name: 'associative arrays',
    script: `declare -A m=([one]=1 ["t w"]=2); m[three]=3; k=one; echo \${m[one]} "\${m[t w]}" \${m[three]} \${#m[@]} \${m[$k]}; [[ -v m[one] ]] && echo yes; unset 'm[one]'; echo \${#m[@]}`,
    stdout: '1 2 3 3 1\nyes\n2\n',
  },
  {
    name: 'array in a loop',
    script: `for x in "a b" c; do l+=("$x"); done; for i in "\${!l[@]}"; do echo "$i=\${l[$i]}"; done; IFS=,; echo "\${l[*]}"`,
    stdout: '0=a b\n1=c\na b,c\n',
  },
  {
    name: 'sparse and keyed',
    script: `a=([3]=c [1]=a d); echo "\${!a[@]}:\${a[@]}"; declare -a e=(); echo \${#e[@]}`,
    stdout: '1 2 3:a d c\n0\n',
  },
  {
    name: 'arithmetic',
    script: `echo $((1+2*3)) $(( (1+2)*3 )) $((7/2)) $((-7/2)) $((7%3)) $((2**10)) $((1<<4)) $((5>3 && 2>3)) $((!0)) $((~5)) $((0x1f)) $((010)) $((2#101))`,
    stdout: '7 9 3 -3 1 1024 16 0 1 -6 31 8 5\n',
  },
  {
    name: 'arithmetic variables',
    script: `i=5; echo $((i++)) $i $((++i)) $((i+=3)) $((i > 5 ? 1 : 2)) $((x=4, x*2)); (( i == 10 )) && echo ten; let j=i*2 k=j+1; echo $j $k`,
    stdout: '5 6 7 10 1 8\nten\n20 21\n',
  },
  {
    name: 'arithmetic of arrays',
    script: `a=(1 2 3); i=1; echo $((a[i]+a[2])) $((\${#a[@]}*2)) $(( $(echo 4) + \${a[0]} )); ((a[i]++)); echo \${a[1]}`,
    stdout: '5 6 5\n3\n',
  },
  {
    name: 'sixty-four bits',
    script: `echo $((9223372036854775807 + 1)) $((1700000000123456789 / 1000000))`,
    stdout: '-9223372036854775808 1700000000123\n',
  },
  {
    name: 'division by zero',
    script: `echo $((1/0)); echo after`,
    stdout: '',
    stderr: 't.sh: line 1: 1/0: division by 0 (error token is "0")\n',
    code: 1,
  },
  {
    name: 'braces',
    script: `echo {a,b}{1,2} {1..5} {5..1..2} {a..e} {01..03} x{,y} {a,"b c"} "{a,b}" {a} {1..}`,
    stdout: 'a1 a2 b1 b2 1 2 3 4 5 5 3 1 a b c d e 01 02 03 x xy a b c {a,b} {a} {1..}\n',
  },
  {
    name: 'file names',
    files: { 'a.txt': '', 'b.txt': '', 'c.yaml': '', '.hidden': '', 'd/e.txt': '' },
    script: `echo *.txt [ab].* ?.yaml *.none d/* .h*; echo "*.txt"; shopt -s nullglob; echo x*.none; shopt -s globstar; echo **/*.txt`,
    stdout: 'a.txt b.txt a.txt b.txt c.yaml *.none d/e.txt .hidden\n*.txt\n\na.txt b.txt d/e.txt\n',
  },
  {
    name: 'extended patterns',
    files: { 'a.txt': '', 'b.md': '', 'c.txt': '' },
    script: `shopt -s extglob\necho @(a|c).txt; case abc in +([a-c])) echo yes;; esac`,
    stdout: 'a.txt c.txt\nyes\n',
  },
  { name: 'tilde', script: `HOME=/h; echo ~ ~/x "~" a~; x=~/y:~; echo $x`, stdout: '/h /h/x ~ a~\n/h/y:/h\n' },
  {
    name: 'command substitution',
    script: `x=$(printf 'a\\n\\n'); echo "[$x]" "$(echo "in \\"q\\"")" \`echo back\` $(echo a; echo b) "$(echo a; echo b)"; y=$(false); echo $?`,
    stdout: '[a] in "q" back a b a\nb\n1\n',
  },
  { name: 'nested substitution', script: `echo $(echo $(echo deep) \`echo \\\`echo er\\\`\`)`, stdout: 'deep er\n' },
  { name: 'substitution of a file', files: { f: 'x\ny\n' }, script: `echo "$(<f)"`, stdout: 'x\ny\n' },
  {
    name: 'process substitution',
    script: `diff <(printf 'a\\nb\\n') <(printf 'a\\nc\\n'); cat <(echo one) <(echo two); while read -r l; do n=$((n+1)); done < <(seq 3); echo $n`,
    stdout: '2c2\n< b\n---\n> c\none\ntwo\n3\n',
  },
  {
    name: 'here-documents',
    script: `x=1\ncat <<EOF\na $x $(echo s) $((x+1)) \\$x \\\\ "q" 'r'\nEOF\ncat <<'EOF'\n$x \\$x\nEOF\ncat <<-EOF\n\ttab $x\n\t\ttwo\n\tEOF\ncat <<A; cat <<B\n1\nA\n2\nB`,
    stdout: `a 1 s 2 $x \\ "q" 'r'\n$x \\$x\ntab 1\ntwo\n1\n2\n`,
  },
  {
    name: 'here-strings',
    script: `cat <<< "a  b"; x="l1\nl2"; wc -l <<< "$x"; read a b <<< "1 2 3"; echo "$a|$b"`,
    stdout: 'a  b\n2\n1|2 3\n',
  },
  {
    name: 'redirections',
    script: `echo a > f; echo b >> f; cat < f; echo e >&2; { echo o; echo e >&2; } > g 2>&1; cat g; cat nofile 2>/dev/null || echo no; echo x &> h; cat h; echo c >| f; cat f`,
    stdout: 'a\nb\no\ne\nno\nx\nc\n',
    stderr: 'e\n',
  },
  {
    name: 'descriptors',
    script: `exec 3> f; echo a >&3; echo b >&3; exec 3>&-; cat f; exec 4< f; read x <&4; read y <&4; echo $x$y; exec 4<&-; echo z 3>&1 >&2 2>&3 | cat`,
    stdout: 'a\nb\nab\n',
    stderr: 'z\n',
  },
  { name: 'descriptor in a variable', script: `exec {fd}> f; echo hi >&$fd; exec {fd}>&-; cat f`, stdout: 'hi\n' },
  {
    name: 'closed descriptor',
    script: `echo a >&7; echo $?`,
    stdout: '1\n',
    stderr: 't.sh: line 1: 7: Bad file descriptor\n',
  },
  {
    name: 'missing files',
    script: `cat < none; echo $?; echo x > no/such; echo $?; mkdir d; echo x > d`,
    stdout: '1\n1\n',
    stderr:
      't.sh: line 1: none: No such file or directory\nt.sh: line 1: no/such: No such file or directory\nt.sh: line 1: d: Is a directory\n',
    code: 1,
  },
  {
    name: 'noclobber',
    script: `set -C; echo a > f; echo b > f; echo c >| f; cat f`,
    stdout: 'c\n',
    stderr: 't.sh: line 1: f: cannot overwrite existing file\n',
  },
  {
    name: 'if',
    script: `if true; then echo a; elif true; then echo b; else echo c; fi; if false; then :; elif false; then :; else echo d; fi; if false; then :; fi; echo $?`,
    stdout: 'a\nd\n0\n',
  },
  {
    name: 'loops',
    script: `for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done; n=0; while [ $n -lt 2 ]; do echo w$n; n=$((n+1)); done; until [ $n -eq 0 ]; do n=$((n-1)); done; echo $n; for ((i=0;i<3;i++)); do printf $i; done; echo`,
    stdout: '1\n3\nw0\nw1\n0\n012\n',
  },
  {
    name: 'break two levels',
    script: `for i in 1 2; do for j in a b; do [ $j = b ] && continue 2; echo $i$j; done; done; for i in 1 2; do while :; do break 2; done; echo never; done; echo end`,
    stdout: '1a\n2a\nend\n',
  },
  {
    name: 'for over parameters',
    script: `set -- x y; for a; do echo $a; done; for b in; do echo no; done`,
    stdout: 'x\ny\n',
  },
  {
    name: 'case',
    script: `for x in apple 42 'a b' zz; do case $x in a*e|b*) echo fruit;; [0-9]*) echo num;; "a b") echo sp;; *) echo other;; esac; done; case x in x) echo 1;& y) echo 2;; z) echo 3;; esac; case x in x) echo 1;;& [a-z]) echo 2;; esac`,
    stdout: 'fruit\nnum\nsp\nother\n1\n2\n1\n2\n',
  },
  {
    name: 'double brackets',
    script: `x="a b"; [[ $x == a* ]] && echo 1; [[ $x == "a*" ]] || echo 2; [[ -z $y && -n $x ]] && echo 3; [[ abc =~ ^a(.)c$ ]] && echo \${BASH_REMATCH[1]}; [[ 10 -gt 9 ]] && echo 4; [[ b > a ]] && echo 5; [[ ! -e none ]] && echo 6; re='^[0-9]+$'; [[ 12 =~ $re ]] && echo 7; [[ a.c =~ a\\.c ]] && echo 8`,
    stdout: '1\n2\n3\nb\n4\n5\n6\n7\n8\n',
  },
  {
    name: 'test',
    files: { f: 'x' },
    script: `[ -f f ] && echo 1; [ -d . ] && echo 2; test a = a -a b != c && echo 3; [ ! -e g ] && echo 4; [ 1 -lt 2 ] && echo 5; [ -s f ] && echo 6; [ "" ] || echo 7; [ a -eq 1 ]; echo $?`,
    stdout: '1\n2\n3\n4\n5\n6\n7\n2\n',
    stderr: 't.sh: line 1: [: a: integer expression expected\n',
  },
  {
    name: 'functions',
    script: `f() { local x=1; y=2; echo "$1 $# $x $FUNCNAME"; return 3; }; x=0; f a b; echo $? $x $y; function g { echo g; }; g; unset -f g; g; echo $?`,
    stdout: 'a 2 1 f\n3 0 2\ng\n127\n',
    stderr: 't.sh: line 1: g: command not found\n',
  },
  {
    name: 'dynamic scope',
    script: `f() { local v=f; g; echo $v; }; g() { echo $v; v=g; }; v=top; f; echo $v`,
    stdout: 'f\ng\ntop\n',
  },
  {
    name: 'recursion',
    script: `fac() { if (( $1 <= 1 )); then echo 1; else echo $(( $1 * $(fac $(( $1 - 1 ))) )); fi; }; fac 10`,
    stdout: '3628800\n',
  },
  {
    name: 'pipelines',
    script: `echo abc | tr a-z A-Z | sed s/B/-/; false | true; echo $?; true | false; echo $?; ! true; echo $?; false | true | false; echo "\${PIPESTATUS[@]}"`,
    stdout: 'A-C\n0\n1\n1\n1 0 1\n',
  },
  {
    name: 'pipefail',
    script: `set -o pipefail; false | true; echo $?; (exit 3) | (exit 4) | true; echo $?`,
    stdout: '1\n4\n',
  },
  {
    name: 'subshells',
    script: `x=1; (x=2; cd /; echo $x); echo $x; (exit 7); echo $?; { x=3; }; echo $x; echo a | { read v; echo "got $v"; }; echo "[$v]"`,
    stdout: '2\n1\n7\n3\ngot a\n[]\n',
  },
  {
    name: 'lists',
    script: `true && echo a || echo b; false && echo a || echo b; false || true && echo c; true; false; echo $?`,
    stdout: 'a\nb\nc\n1\n',
  },
  {
    name: 'errexit',
    script: `set -e; false || echo caught; if false; then :; fi; ! true; false && true; echo before; false; echo never`,
    stdout: 'caught\nbefore\n',
    code: 1,
  },
  {
    name: 'errexit in functions and substitutions',
    script: `set -e; f() { false; echo in; }; f || echo or; x=$(false) || echo sub; f; echo never`,
    stdout: 'in\nsub\n',
    code: 1,
  },
  { name: 'errexit in a subshell', script: `set -e; (false; echo no); echo never`, code: 1, stdout: '' },
  {
    name: 'errexit and pipefail',
    script: `set -euo pipefail; echo a | grep -q b || echo none; false | cat; echo never`,
    stdout: 'none\n',
    code: 1,
  },
  {
    name: 'nounset',
    script: `set -u; echo \${x:-ok}; echo $x; echo never`,
    stdout: 'ok\n',
    stderr: 't.sh: line 1: x: unbound variable\n',
    code: 1,
    differs: '127 with bash -c, 1 from a file',
  },
  {
    name: 'xtrace',
    script: `set -x; a='x y'; echo "$a" b; set +x; echo c`,
    stdout: 'x y b\nc\n',
    stderr: "+ a='x y'\n+ echo 'x y' b\n+ set +x\n",
  },
  {
    name: 'traps',
    script: `trap 'echo bye $?' EXIT; trap 'echo err' ERR; false; echo mid; exit 4`,
    stdout: 'err\nmid\nbye 4\n',
    code: 4,
  },
  {
    name: 'trap of a signal',
    script: `trap 'echo usr' USR1; kill -USR1 $$; echo after; trap - USR1; trap`,
    stdout: 'usr\nafter\n',
  },
  {
    name: 'trap in a subshell',
    script: `trap 'echo outer' EXIT; (trap 'echo inner' EXIT; echo body); echo end`,
    stdout: 'body\ninner\nend\nouter\n',
  },
  {
    name: 'background and wait',
    script: `(sleep 0.05; echo bg) & p=$!; wait $p; echo $?; (exit 5) & wait $!; echo $?; sleep 0.01 & sleep 0.02 & wait; echo all`,
    stdout: 'bg\n0\n5\nall\n',
  },
  {
    name: 'kill a job',
    script: `sleep 10 & kill $!; wait $!; echo $?; sleep 10 & kill %1 2>/dev/null || kill $!; wait; kill -0 99999999; echo $?`,
    stdout: '143\n1\n',
    stderr: 't.sh: line 1: kill: (99999999) - No such process\n',
    differs: 'bash also reports Terminated jobs',
  },
  {
    name: 'exit codes',
    script: `nosuch; echo $?; mkdir d; ./d; echo $?; ./none; echo $?; echo x > f; ./f; echo $?`,
    stdout: '127\n126\n127\n126\n',
    stderr:
      't.sh: line 1: nosuch: command not found\nt.sh: line 1: ./d: Is a directory\nt.sh: line 1: ./none: No such file or directory\nt.sh: line 1: ./f: Permission denied\n',
  },
  {
    name: 'scripts',
    script: `printf '#!/bin/bash\\necho "$0 $1 $#"; x=2; exit 3\\n' > s.sh; chmod +x s.sh; x=1; ./s.sh a b; echo $? $x; bash s.sh q; . ./s.sh; echo never`,
    stdout: './s.sh a 2\n3 1\ns.sh q 1\nt.sh  0\n',
    code: 3,
  },
  {
    name: 'bash -c',
    script: `bash -c 'echo $0 $1 $#' name one two; sh -c 'exit 9'; echo $?; echo 'echo from $1' | bash -s arg; X=1 bash -c 'echo $X$Y'; Y=2; bash -c 'echo [$Y]'; export Y; bash -c 'echo [$Y]'`,
    stdout: 'name one 2\n9\nfrom arg\n1\n[]\n[2]\n',
  },
  {
    name: 'source',
    files: { lib: 'v=1\nf() { echo "f $1"; }\nreturn 2\necho no\n' },
    script: `source ./lib; echo $? $v; f x; . ./lib; source none; echo $?`,
    stdout: '2 1\nf x\n1\n',
    stderr: 't.sh: line 1: none: No such file or directory\n',
  },
  {
    name: 'eval and exec',
    script: `c='echo "a b"'; eval $c; eval 'x=1; echo $x'; (exec echo replaced; echo no); exec > f; echo hidden`,
    stdout: 'a b\n1\nreplaced\n',
  },
  {
    name: 'read',
    stdin: 'one two three\nx:y:z\na\\tb\nlast',
    script: `read a b; echo "$a|$b"; IFS=: read -r p q; echo "$p|$q"; read -r l; echo "$l"; read -r l; echo "$? $l"`,
    stdout: 'one|two three\nx|y:z\na\\tb\n1 last\n',
  },
  {
    name: 'read options',
    script: `read -n 2 x <<< abcdef; echo $x; read -d , y <<< 'a b,c'; echo "$y"; read -a z <<< '1 2 3'; echo \${z[1]} \${#z[@]}; echo 'a b' | while read -r u v; do echo $v; done; read <<< ' r '; echo "[$REPLY]"`,
    stdout: 'ab\na b\n2 3\nb\n[ r ]\n',
  },
  {
    name: 'while read with the last line',
    script: `printf 'a\\nb' | while IFS= read -r l || [ -n "$l" ]; do echo "<$l>"; done`,
    stdout: '<a>\n<b>\n',
  },
  { name: 'mapfile', script: `mapfile -t a < <(printf 'x\\ny z\\n'); echo \${#a[@]} "\${a[1]}"`, stdout: '2 y z\n' },
  {
    name: 'printf',
    script: `printf '%s-%d|%5s|%-5s|%05.1f|%x|%c|%%|%b\\n' a 3 r l 2.55 255 xyz 'q\\n'; printf '%s\\n' a b c; printf '%d\\n' 0x10 "'A"; printf -v v '%03d' 7; echo $v; printf '%s %s\\n' 1`,
    stdout: 'a-3|    r|l    |002.5|ff|x|%|q\n\na\nb\nc\n16\n65\n007\n1 \n',
    differs: 'rounding of 2.55',
  },
  {
    name: 'echo',
    script: `echo -n a; echo -e 'b\\tc\\n'; echo -E 'x\\n'; echo -- -n; echo -nx`,
    stdout: 'ab\tc\n\nx\\n\n-- -n\n-nx\n',
  },
  {
    name: 'getopts',
    script: `f() { local OPTIND; while getopts ':ab:c' o "$@"; do case $o in a) echo A;; b) echo "B=$OPTARG";; c) echo C;; :) echo "miss $OPTARG";; \\?) echo "bad $OPTARG";; esac; done; shift $((OPTIND-1)); echo "rest $*"; }; f -ac -b v -x y z; f -b`,
    stdout: 'A\nC\nB=v\nbad x\nrest y z\nmiss b\nrest \n',
  },
  {
    name: 'aliases in scripts are off',
    script: `alias hi='echo hello'\nhi 2>/dev/null || echo no\nshopt -s expand_aliases\nhi there`,
    stdout: 'no\nhello there\n',
  },
  {
    name: 'export and env',
    script: `a=1; export b=2 c; c=3; env | grep -E '^(a|b|c)=' | sort; d=4 env | grep ^d=; export -n b; env | grep -c ^b=; echo \${d-unset}`,
    stdout: 'b=2\nc=3\nd=4\n0\nunset\n',
  },
  {
    name: 'assignment before a command',
    script: `f() { echo $v; }; v=1; v=2 f; echo $v; IFS=, read x y <<< 'a,b'; echo $x-$y`,
    stdout: '2\n1\na-b\n',
  },
  {
    name: 'readonly',
    script: `readonly r=1; (r=2; echo no); echo $r; declare -p r; unset r`,
    stdout: '1\ndeclare -r r="1"\n',
    stderr: 't.sh: line 1: r: readonly variable\nt.sh: line 1: unset: r: cannot unset: readonly variable\n',
    code: 1,
  },
  {
    name: 'declare',
    script: `declare -i n=2+3; n+=1; echo $n; declare -u U=abc; echo $U; declare -x E=1; declare -p E; f() { declare l=1; declare -g g=2; }; f; echo "[$l]$g"; declare -n ref=U; echo $ref; ref=xy; echo $U`,
    stdout: '6\nABC\ndeclare -x E="1"\n[]2\nABC\nXY\n',
  },
  {
    name: 'declare arrays',
    script: `declare -a a=(1 "2 3"); local_f() { local -a b=(x y); echo \${#b[@]}; }; local_f; echo \${#a[@]}; declare -p a; x=3; declare -A m=([k$x]="v $x"); echo "\${m[k3]}"; s=(\${nothing}); echo \${#s[@]}`,
    stdout: '2\n2\ndeclare -a a=([0]="1" [1]="2 3")\nv 3\n0\n',
  },
  {
    name: 'type and command',
    script: `f() { :; }; type -t f cd cat if nosuch; command -v cd f; command -v nosuch; echo $?; type nosuch`,
    stdout: 'function\nbuiltin\nfile\nkeyword\ncd\nf\n1\n',
    stderr: 't.sh: line 1: type: nosuch: not found\n',
    code: 1,
  },
  {
    name: 'directories',
    script: `mkdir -p a/b; cd a/b; pwd | sed 's|.*/a/b|a/b|'; cd ..; cd - > /dev/null; basename "$PWD"; cd ../..; pushd a > /dev/null; basename $PWD; popd > /dev/null; ls; cd none`,
    stdout: 'a/b\nb\na\na\n',
    stderr: 't.sh: line 1: cd: none: No such file or directory\n',
    code: 1,
  },
  {
    name: 'syntax error on a later line',
    script: `echo one\nif true; then\necho two`,
    stdout: 'one\n',
    stderr: 't.sh: line 4: syntax error: unexpected end of file\n',
    code: 2,
    differs: 'the line of the report',
  },
  {
    name: 'unexpected token',
    script: `echo one\necho two\ndone`,
    stdout: 'one\ntwo\n',
    stderr: "t.sh: line 3: syntax error near unexpected token `done'\nt.sh: line 3: `done'\n",
    code: 2,
  },
  {
    name: 'unclosed quote',
    script: `echo 'abc`,
    stdout: '',
    stderr: "t.sh: line 1: unexpected EOF while looking for matching `''\n",
    code: 2,
    differs: 'bash adds a second line',
  },
  { name: 'shift', script: `set -- a b c; shift; echo $*; shift 2; echo $#; shift; echo $?`, stdout: 'b c\n0\n1\n' },
  {
    name: 'IFS splitting',
    script: `IFS=:; x=a:b::c; printf '<%s>' $x; IFS=$' \\t\\n'; y='  p  q '; printf '<%s>' $y; IFS=', '; z='1, 2,3 ,4'; printf '<%s>' $z; echo`,
    stdout: '<a><b><><c><p><q><1><2><3><4>\n',
  },
  {
    name: 'line continuation and comments',
    script: `echo a \\\n  b # comment\n# whole\necho c#d "#e"`,
    stdout: 'a b\nc#d #e\n',
  },
  {
    name: 'special variables',
    script: `echo $# $? "$-" | grep -q h && echo ok; true; echo $?; [ $$ -gt 0 ] && echo pid; f() { echo $LINENO; }; f\necho $LINENO; echo $BASH_SUBSHELL $(echo $BASH_SUBSHELL)`,
    stdout: 'ok\n0\npid\n1\n2\n0 1\n',
  },
  {
    name: 'group redirection and loops into files',
    script: `for i in 1 2; do echo $i; done > f; while read x; do echo "r$x"; done < f; if true; then echo a; fi | cat; case x in x) echo c;; esac > g; cat g`,
    stdout: '1\n2\n'.replace('1\n2\n', 'r1\nr2\na\nc\n'),
  },
  {
    name: 'wait for a condition',
    script: `n=0; until [ $n -ge 3 ]; do n=$((n+1)); sleep 0.001; done; echo $n`,
    stdout: '3\n',
  },
  {
    name: 'time and negation',
    script: `{ time true; } 2>/dev/null; ! false && echo neg`,
    stdout: 'neg\n',
  },
  {
    name: 'sed -i as the labs use it',
    files: { 'policy.yaml': 'a: 1\n---\nb: 2\n' },
    script: `sed -i "/^---$/,\\$d" policy.yaml; cat >> policy.yaml <<"EOF"\n---\nc: "$x"\nEOF\ncat policy.yaml`,
    stdout: 'a: 1\n---\nc: "$x"\n',
  },
  {
    name: 'text tools',
    files: { f: 'b 2\na 1\nc 3\na 1\n' },
    script: `sort f | uniq -c | awk '{print $1, $2}'; cut -d' ' -f2 f | paste -sd+ ; grep -c a f; grep -n c f; head -n 1 f; tail -n 1 f; wc -l < f; tr -d ' ' < f | rev | head -1; awk -F' ' '{s+=$2} END {print s}' f; sort -k2 -n -r f | head -1`,
    stdout: '2 a\n1 b\n1 c\n2+1+3+1\n2\n3:c 3\nb 2\na 1\n4\n2b\n7\nc 3\n',
  },
  {
    name: 'grep',
    files: { f: 'foo\nbar baz\nFOO\n' },
    script: `grep -i foo f; grep -v foo f; grep -o 'ba.' f; grep -E '^(foo|bar)' f; grep -w ba f; echo $?; grep -q foo f && echo q; grep foo none; echo $?; grep -A1 foo f; grep -e foo -e baz f; printf 'a.b\\naxb\\n' | grep -F a.b; echo 'x=1' | grep 'x=[0-9]\\+'`,
    stdout: 'foo\nFOO\nbar baz\nFOO\nbar\nbaz\nfoo\nbar baz\n1\nq\n2\nfoo\nbar baz\nfoo\nbar baz\na.b\nx=1\n',
    stderr: 'grep: none: No such file or directory\n',
  },
  {
    name: 'xargs',
    script: `echo a b c | xargs -n 1 echo x; printf 'p q\\nr\\n' | xargs -I{} echo '<{}>'; seq 4 | xargs -n2; printf '' | xargs -r echo no; echo "a 'b c'" | xargs -n1 echo; echo 1 | xargs false; echo $?`,
    stdout: 'x a\nx b\nx c\n<p q>\n<r>\n1 2\n3 4\na\nb c\n123\n',
  },
  {
    name: 'seq, yes, timeout',
    script: `seq 2 2 6; seq -s, 3; seq -w 8 10; yes | head -2; timeout 0.05 sleep 5; echo $?; timeout 5 true; echo $?`,
    stdout: '2\n4\n6\n1,2,3\n08\n09\n10\ny\ny\n124\n0\n',
  },
  {
    name: 'tee, cat, base64, date',
    script: `echo a | tee f g; cat f g; cat -n f; echo hi | base64; echo aGkK | base64 -d; date -u -d @0 +%FT%TZ; date -u -d '2024-02-28 +2 days' +%F; date -u -d '2024-01-31T10:00:00Z' +%s`,
    stdout: 'a\na\na\n     1\ta\nhi\n'.replace('hi\n', 'aGkK\nhi\n1970-01-01T00:00:00Z\n2024-03-01\n1706695200\n'),
  },
  {
    name: 'find',
    files: { 'd/a.yaml': 'x\n', 'd/b.txt': '', 'd/e/c.yaml': 'y\n' },
    script: `find d -name '*.yaml' | sort; find d -type d | sort; find d -name a.yaml -exec cat {} \\;`,
    stdout: 'd/a.yaml\nd/e/c.yaml\nd\nd/e\nx\n',
  },
  {
    name: 'diff',
    files: { a: '1\n2\n3\n4\n', b: '1\nx\n3\n4\n5\n' },
    script: `diff a b; echo $?; diff a a && echo same; diff -q a b; diff -u a b | tail -n +3`,
    stdout: '2c2\n< 2\n---\n> x\n4a5\n> 5\n1\nsame\nFiles a and b differ\n@@ -1,4 +1,5 @@\n 1\n-2\n+x\n 3\n 4\n+5\n',
  },
  {
    name: 'head leaves the rest',
    files: { f: '1\n2\n3\n' },
    script: `{ read a; echo "r$a"; cat; } < f; printf 'a\\nb\\n' | { read x; cat; }`,
    stdout: 'r1\n2\n3\nb\n',
  },
  {
    name: 'wc',
    files: { f: 'a b\nc\n', g: 'x' },
    script: `wc f; wc -l f g; wc -c < f; echo a b | wc -w`,
    stdout: '2 3 6 f\n2 f\n0 g\n2 total\n6\n2\n',
  },
  {
    name: 'mkdir, cp, mv, rm, ln',
    script: `mkdir -p a/b; echo 1 > a/f; cp a/f a/g; mv a/g a/b/; cp -r a c; ls c c/b; rm -rf a; ls; rm none; echo $?; touch t; [ -e t ] && echo t`,
    stdout: 'c:\nb\nf\n\nc/b:\ng\nc\n1\nt\n',
    stderr: "rm: cannot remove 'none': No such file or directory\n",
  },
  {
    name: 'set -- and options',
    script: `set -- -a b; echo $1; set -o | grep -c pipefail; set -o pipefail; [[ -o pipefail ]] && echo on; shopt -q nullglob || echo off`,
    stdout: '-a\n1\non\noff\n',
  },
  {
    name: 'printf of times',
    script: `printf '%(%Y)T\\n' 0; TZ=UTC printf '%(%F %T)T\\n' 86400`,
    stdout: '1970\n1970-01-02 00:00:00\n',
  },
  {
    name: 'brace and substitution in assignment',
    script: `a={x,y}; echo $a; b=*; echo "$b"; c="$(echo '*')"; echo "$c"`,
    stdout: '{x,y}\n*\n*\n',
  },
  {
    name: 'nested quotes in substitution',
    script: `echo "a $(echo "b '$(echo "c d")'") e"; x='$(echo no)'; echo "$x"`,
    stdout: "a b 'c d' e\n$(echo no)\n",
  },
  {
    name: 'errors of builtins',
    script: `cd a b; echo $?; break; local x; echo $?; shift x; echo $?`,
    stdout: '1\n1\n1\n',
    stderr:
      "t.sh: line 1: cd: too many arguments\nt.sh: line 1: break: only meaningful in a `for', `while', or `until' loop\nt.sh: line 1: local: can only be used in a function\nt.sh: line 1: shift: x: numeric argument required\n",
  },
  {
    name: 'negation in arithmetic',
    script: `c=0; d=1; ((!c)) && echo a; (( ! c && d )) && echo b; if ((!d)); then echo no; fi; echo "((!c))" '((!c))'; ((!c ? d : 0)) && echo t`,
    stdout: 'a\nb\n((!c)) ((!c))\nt\n',
  },
  {
    name: 'comparisons in arithmetic commands',
    script: `i=5; until ((i<=0)); do ((i-=2)); done; echo $i; ((i>=-1)) && echo ge; for ((j=0;j<=1;j++)); do echo $j; done`,
    stdout: '-1\nge\n0\n1\n',
  },
  {
    name: 'matched text in a replacement',
    script: `x=abc; y='<&>'; echo \${x/b/[&]} "\${x/b/[&]}" \${x/b/\\&} \${x/b/"&"} \${x/b/$y}`,
    stdout: 'a[b]c a[b]c a&c a&c a<b>c\n',
  },
  {
    name: 'here-documents in functions and loops',
    script: `f() {\n  cat <<EOF\nin $1\nEOF\n}\nf x; f y | tr a-z A-Z\nwhile read -r k v; do case "$k" in \\#*|'') continue;; esac; echo "$k=$v"; done <<'EOF'\n# c\na 1\n\nb two words\nEOF\ncat <<EOF | sed 's/^/> /' > o; cat o\none\nEOF`,
    stdout: 'in x\nIN Y\na=1\nb=two words\n> one\n',
  },
  {
    name: 'signals to the shell from its children',
    script: `trap 'echo caught; exit 9' TERM; (sleep 0.05; kill -TERM $$) & sleep 0.3; echo no`,
    stdout: 'caught\n',
    code: 9,
  },
  {
    name: 'bytes',
    script: `printf '\\x00\\xff' | base64; echo AP8= | base64 -d | od -An -tx1; gzip -c <<< zip | gunzip -c; echo abc | sha256sum | cut -c1-8`,
    stdout: 'AP8=\n 00 ff\nzip\nedeaaff3\n',
  },
];
