{{- define "dockfleet.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}-gateway
{{- end }}

{{- define "dockfleet.selector" -}}
app.kubernetes.io/name: dockfleet-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "dockfleet.labels" -}}
{{ include "dockfleet.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* The configuration: the values, and the files of the secrets. */}}
{{- define "dockfleet.config" -}}
{{- $config := deepCopy .Values.config }}
{{- if .Values.tlsSecret }}
{{- $tls := dict "certificate" "/secrets/tls/tls.crt" "key" "/secrets/tls/tls.key" }}
{{- if .Values.clientCertificates }}
{{- $_ := set $tls "client_ca" "/secrets/tls/ca.crt" }}
{{- end }}
{{- $_ := set $config "tls" $tls }}
{{- else if not $config.insecure_allow_plaintext_beyond_loopback }}
{{- fail "set tlsSecret, or allow plaintext by config.insecure_allow_plaintext_beyond_loopback" }}
{{- end }}
{{- if .Values.resumeKeySecret }}
{{- $_ := set $config "resume_key" "/secrets/resume/resume.key" }}
{{- else if gt (int .Values.replicas) 1 }}
{{- fail "more than one replica need the same resume key: set resumeKeySecret" }}
{{- end }}
{{- if and (gt (int .Values.replicas) 1) .Values.stateClaim }}
{{- fail "a stateClaim is for one replica: use sources such as etcd for hosts that come and go" }}
{{- end }}
{{- toYaml $config }}
{{- end }}
