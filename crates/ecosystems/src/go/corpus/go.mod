// Deprecated: use code.example/left/pad/v2 instead.
module "code.example/left/pad"

go 1.21
toolchain go1.22.0

require github.com/BurntSushi/toml v1.3.2 // indirect

require (
	golang.org/x/text v0.14.0
	`gopkg.in/yaml.v3` v3.0.1 // indirect; kept

	corp.example/tool v1.0.0
	example.test/old v2.0.0+incompatible
)

exclude golang.org/x/text v0.13.0

replace (
	corp.example/tool => ../tool
	golang.org/x/text v0.14.0 => code.example/text v0.14.1
)

// Broken on Tuesdays.
retract v1.0.1
retract [v1.0.3, v1.0.5] // leaked a key
tool golang.org/x/tools/cmd/stringer
