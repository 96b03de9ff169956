import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('domains', '0002_publishing_and_sending'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='sestenant',
            name='label',
        ),
        migrations.AddField(
            model_name='sestenant',
            name='made_at',
            field=models.DateTimeField(blank=True, help_text='SES said that it is there; empty also where the endpoint has no tenants.', null=True),
        ),
        migrations.AddField(
            model_name='sestenant',
            name='leaving_at',
            field=models.DateTimeField(blank=True, help_text='Since then it shall be gone from SES.', null=True),
        ),
        migrations.AlterField(
            model_name='sestenant',
            name='domain',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ses_tenants', to='domains.domain'),
        ),
        migrations.AlterField(
            model_name='sestenant',
            name='is_associated',
            field=models.BooleanField(default=False, help_text='The identity may send through it.'),
        ),
        migrations.AlterField(
            model_name='sestenant',
            name='removed_at',
            field=models.DateTimeField(blank=True, help_text='It is gone from SES, its name free.', null=True),
        ),
        migrations.AlterField(
            model_name='sestenant',
            name='tenant_name',
            field=models.CharField(max_length=64),
        ),
        migrations.AddConstraint(
            model_name='sestenant',
            constraint=models.UniqueConstraint(condition=models.Q(('removed_at__isnull', True)), fields=('tenant_name',), name='ses_tenant_name_once'),
        ),
        migrations.AddConstraint(
            model_name='sestenant',
            constraint=models.UniqueConstraint(condition=models.Q(('removed_at__isnull', True)), fields=('domain',), name='ses_tenant_of_domain_once'),
        ),
    ]
